"""The real client against a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from rulezero.dependencies.attempts import Link
from rulezero.dependencies.cache import Cache
from tests.cache_server import cache_server
from tests.dependencies.fakes import stack

pytestmark = pytest.mark.wall_clock


@asynccontextmanager
async def running(folder: Path, *, caches: int = 1) -> AsyncIterator[list[Cache]]:
    """Run a server and give clients of it, as several processes have them."""
    async with cache_server(folder) as address, AsyncExitStack() as closing:
        link = Link(name="catalog-cache", address=address, dependency="cache")
        clients = [Cache(link, stack=stack(dependency="cache")) for _ in range(caches)]
        for client in clients:
            closing.push_async_callback(client.close)
        yield clients


async def test_an_entry_is_fresh_then_stale_then_gone(tmp_path: Path) -> None:
    """By the server's own clock."""
    async with running(tmp_path) as (cache,):
        assert await cache.look_up("a") is None
        await cache.put("a", b"tea", ttl_s=0.3, keep_s=0.4, load_s=0.012, found=None)
        fresh = await cache.look_up("a")
        await asyncio.sleep(0.35)
        stale = await cache.look_up("a")
        await asyncio.sleep(0.45)
        gone = await cache.look_up("a")
    assert fresh is not None
    assert stale is not None
    assert (fresh.value, fresh.load_s, fresh.version) == (stale.value, stale.load_s, stale.version)
    assert 0 < fresh.fresh_s <= 0.3
    assert -0.4 <= stale.fresh_s <= 0
    assert (fresh.fresh, stale.fresh, gone) == (True, False, None)


async def test_of_two_who_load_the_same_one_is_told_that_it_was_too_many(tmp_path: Path) -> None:
    """The server hands over what was replaced, in the same step."""
    async with running(tmp_path, caches=2) as (one, other):
        results = [
            await cache.put("a", b"tea", ttl_s=9.0, keep_s=0.0, load_s=0.1, found=None) for cache in (one, other)
        ]
        entry = await one.look_up("a")
        assert entry is not None
        results.append(await other.put("a", b"tea", ttl_s=9.0, keep_s=0.0, load_s=0.1, found=entry.version))
    assert results == [True, False, True]


async def test_one_of_many_gets_the_lease_and_only_its_owner_can_give_it_back(tmp_path: Path) -> None:
    """A token that is not the owner's leaves it; after it was given back the next one gets it."""
    async with running(tmp_path, caches=3) as caches:
        tokens = [str(number) for number in range(15)]
        answers = await asyncio.gather(
            *(caches[number % 3].acquire_lease("a", owner=token, lease_s=9.0) for number, token in enumerate(tokens))
        )
        owned = [token for token, is_owner in zip(tokens, answers, strict=True) if is_owner]
        await caches[0].release_lease("a", "somebody else's")
        assert not await caches[1].acquire_lease("a", owner="late", lease_s=9.0)
        assert await caches[1].acquire_lease("b", owner="late", lease_s=9.0)
        await caches[2].release_lease("a", owned[0])
        assert await caches[1].acquire_lease("a", owner="again", lease_s=9.0)
        assert await caches[0].look_up("a") is None
    assert len(owned) == 1


async def test_a_lease_ends_by_itself_and_a_late_owner_does_not_end_the_next_one_s(tmp_path: Path) -> None:
    """Its holder may have died; or it is only slow."""
    async with running(tmp_path) as (cache,):
        assert await cache.acquire_lease("a", owner="slow", lease_s=0.1)
        await asyncio.sleep(0.15)
        assert await cache.acquire_lease("a", owner="next", lease_s=9.0)
        await cache.release_lease("a", "slow")
        assert not await cache.acquire_lease("a", owner="third", lease_s=9.0)
