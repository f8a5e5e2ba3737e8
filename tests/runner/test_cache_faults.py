"""What goes wrong in a cache, on a real server: an entry's end comes when it should, and what was stale stays so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from rulezero.dependencies.entries import encode
from rulezero.errors import Problem
from rulezero.runner.cache_faults import expire, flush
from tests.cache_server import cache_server
from tests.runner.fakes import NOBODY

pytestmark = pytest.mark.wall_clock

KEY = "item:1"
LIFE_MS = 60_000
LATE_MS = 2_000


@asynccontextmanager
async def holding(folder: Path, **entries: bytes) -> AsyncIterator[tuple[str, Any]]:
    """Run a server that has these entries for a minute each, and give its address and a client."""
    async with cache_server(folder) as address:
        host, _, port = address.rpartition(":")
        async with Redis(host=host, port=int(port)) as client:
            for key, stored in entries.items():
                await client.set(key, stored, px=LIFE_MS)
            yield address, client


def entry(*, keep_s: float) -> bytes:
    return encode(b"tea", version="a", load_s=0.3, keep_s=keep_s)


@pytest.mark.parametrize("stored", [entry(keep_s=0), b"none of ours"])
async def test_an_entry_that_nobody_keeps_stale_is_gone_at_once(tmp_path: Path, stored: bytes) -> None:
    """Its like, and no other."""
    async with holding(tmp_path, **{KEY: stored, "item:10": stored}) as (address, client):
        await expire(address, KEY, lead_s=0)
        assert await client.keys() == [b"item:10"]


@pytest.mark.parametrize(("keep_s", "lead_s"), [(20, 0), (0, 10), (20, 10), (20.5, 9.5)])
async def test_an_entry_is_given_its_lead_and_what_it_is_kept_stale_for(
    tmp_path: Path, keep_s: float, lead_s: float
) -> None:
    """So it is fresh for the lead and stale after it; its value is what it was."""
    stored = entry(keep_s=keep_s)
    async with holding(tmp_path, **{KEY: stored}) as (address, client):
        await expire(address, KEY, lead_s=lead_s)
        left_ms = await client.pttl(KEY)
        assert await client.get(KEY) == stored
    whole_ms = (keep_s + lead_s) * 1000
    assert whole_ms - LATE_MS < left_ms <= whole_ms


async def test_an_entry_is_gone_when_its_lead_is_over(tmp_path: Path) -> None:
    """By the server's own clock."""
    async with holding(tmp_path, **{KEY: entry(keep_s=0)}) as (address, client):
        await expire(address, KEY, lead_s=0.3)
        assert await client.exists(KEY)
        await asyncio.sleep(0.35)
        assert not await client.exists(KEY)


async def test_a_key_that_is_not_there_stays_away(tmp_path: Path) -> None:
    """No empty entry is put in its place, and nothing is refused."""
    async with holding(tmp_path, other=b"x") as (address, client):
        await expire(address, KEY, lead_s=10)
        assert await client.keys() == [b"other"]


async def test_a_flush_leaves_nothing(tmp_path: Path) -> None:
    """Leases and what is none of ours are lost too."""
    entries = {KEY: entry(keep_s=9), "lease:item:1": b"a", "other": b"x"}
    async with holding(tmp_path, **entries) as (address, client):
        assert await client.dbsize() == 3
        await flush(address)
        assert await client.dbsize() == 0


async def test_a_cache_that_is_gone_is_told() -> None:
    """One line with the fault and the address, not a traceback of the client library."""
    with pytest.raises(Problem, match=rf"^item:1 expires: the cache at {NOBODY} refused: .+$"):
        await expire(NOBODY, KEY, lead_s=0)
    with pytest.raises(Problem, match=rf"^the cache is flushed: the cache at {NOBODY} refused: .+$"):
        await flush(NOBODY)


async def test_a_refusal_is_told(tmp_path: Path) -> None:
    """A server that takes no writes: what it said is in the line."""
    async with holding(tmp_path, **{KEY: entry(keep_s=9)}) as (address, client):
        await client.config_set("min-replicas-to-write", 1)
        with pytest.raises(Problem, match=r"^item:1 expires: the cache at 127\..* refused: .*replicas"):
            await expire(address, KEY, lead_s=10)
