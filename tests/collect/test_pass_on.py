"""Spans handed on: as they came, and never at the cost of who hands them on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from rulezero.collect import pass_on
from rulezero.collect.pass_on import PassOn
from tests.collect.serving import serving

pytestmark = pytest.mark.wall_clock


@asynccontextmanager
async def collector(bodies: list[bytes], *, slow_s: float = 0.0) -> AsyncIterator[str]:
    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        await asyncio.sleep(slow_s)
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    async with serving(app) as address:
        yield f"http://{address}"


async def test_what_comes_is_handed_on() -> None:
    """Byte by byte."""
    bodies: list[bytes] = []
    async with collector(bodies) as endpoint, PassOn(endpoint) as hand_on:
        hand_on(b"one")
        hand_on(b"two")
        async with asyncio.timeout(5):
            await asyncio.gather(*hand_on._waiting)
    assert sorted(bodies) == [b"one", b"two"]
    assert hand_on.dropped == 0


async def test_a_slow_one_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many may wait; the rest is dropped, and the end does not wait either."""
    monkeypatch.setattr(pass_on, "_WAITING_MAX", 3)
    monkeypatch.setattr(pass_on, "_LAST_WAIT_S", 0.1)
    async with asyncio.timeout(10), collector([], slow_s=30) as endpoint, PassOn(endpoint) as hand_on:
        for _ in range(5):
            hand_on(b"spans")
    assert hand_on.dropped == 5


async def test_a_refusal_is_counted() -> None:
    """An answer is not yet a yes."""
    async with serving(web.Application()) as address, PassOn(f"http://{address}") as hand_on:
        hand_on(b"spans")
    assert hand_on.dropped == 1  # It was waited for at the end.


async def test_nobody_there_costs_nothing() -> None:
    """It is counted, no more."""
    async with PassOn("http://127.0.0.1:1") as hand_on:
        hand_on(b"spans")
        async with asyncio.timeout(5):
            await asyncio.gather(*hand_on._waiting)
    assert hand_on.dropped == 1
