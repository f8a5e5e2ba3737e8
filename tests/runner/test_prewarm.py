"""Warming up: each item once, a few at a time; what cannot be had is told in one line, and nothing is left running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from rulezero.errors import Problem
from rulezero.experiment import Keys, Prewarm
from rulezero.runner import prewarm
from rulezero.runner.prewarm import warm
from tests.runner.fakes import NOBODY

pytestmark = pytest.mark.wall_clock

AT_A_TIME = 4


def pages(keys: Keys) -> Prewarm:
    return Prewarm(path="/browse/{key}", keys=keys)


@dataclass
class Shop:
    """Answers each item after a moment; `bad` has a status by item, `silent` are never answered."""

    bad: dict[int, int] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()
    asked: list[int] = field(default_factory=list)
    inside: int = 0
    inside_max: int = 0

    async def browse(self, request: web.Request) -> web.Response:
        item = int(request.match_info["item"])
        self.asked.append(item)
        self.inside += 1
        self.inside_max = max(self.inside_max, self.inside)
        try:
            await asyncio.sleep(3600 if item in self.silent else 0.01)
        finally:
            self.inside -= 1
        return web.json_response({}, status=self.bad.get(item, 200))


@asynccontextmanager
async def serving(shop: Shop) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/browse/{item}", shop.browse)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def still_asking() -> list[str]:
    return [told for task in asyncio.all_tasks() if "ask_in_turn" in (told := repr(task))]


async def test_each_item_is_asked_for_once_and_a_few_at_a_time() -> None:
    """From the first to the last; more at once would be a herd."""
    shop = Shop()
    async with serving(shop) as entry:
        await warm(entry, pages(Keys(low=1001, high=1030, skew=1.0)))
    assert sorted(shop.asked) == list(range(1001, 1031))
    assert shop.inside_max == AT_A_TIME


async def test_any_page_can_be_asked_for() -> None:
    """The path is the experiment's; where there is no such page, it is named."""
    async with serving(Shop()) as entry:
        with pytest.raises(Problem, match=r"^warming up: the answer for /search/7\?page=1 was 404$"):
            await warm(entry, Prewarm(path="/search/{key}?page=1", keys=Keys(low=7, high=7)))


async def test_a_single_item() -> None:
    """The first is the last too."""
    shop = Shop()
    async with serving(shop) as entry:
        await warm(entry, pages(Keys(low=7, high=7)))
    assert shop.asked == [7]


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_an_answer_that_is_none_is_told(status: int) -> None:
    """By page and status; no further items are asked for, and nobody is left asking."""
    shop = Shop(bad={3: status}, silent=frozenset({4}))
    async with serving(shop) as entry:
        with pytest.raises(Problem, match=rf"^warming up: the answer for /browse/3 was {status}$"):
            await warm(entry, pages(Keys(low=1, high=100)))
        assert still_asking() == []
        asked = len(shop.asked)
        await asyncio.sleep(0.1)
        assert len(shop.asked) == asked < 1 + 3 * AT_A_TIME


async def test_a_server_that_is_gone_is_told() -> None:
    """Connection refused."""
    with pytest.raises(Problem, match=r"^warming up: no answer: ClientConnectorError; see the logs of the run$"):
        await warm(NOBODY, pages(Keys(low=1, high=9)))
    assert still_asking() == []


async def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever."""
    monkeypatch.setattr(prewarm, "_TIMEOUT_S", 0.2)
    shop = Shop(silent=frozenset({2}))
    async with serving(shop) as entry:
        with pytest.raises(Problem, match=r"^warming up: no answer: \w*Timeout\w*; see the logs of the run$"):
            await warm(entry, pages(Keys(low=1, high=9)))
        assert still_asking() == []
