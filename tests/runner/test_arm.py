"""During the load: whatever ends it, nothing that watches it is left running."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from rulezero.errors import Problem
from rulezero.runner.arm import during


@dataclass
class Watcher:
    """Runs until cancelled, and remembers that it was."""

    began: bool = False
    ended: bool = False
    tidy_s: float = 0.0

    async def run(self) -> None:
        self.began = True
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(self.tidy_s)
            self.ended = True


@dataclass
class Scene:
    """A load of some seconds, two watchers, and what happened in the end."""

    watchers: tuple[Watcher, Watcher] = field(default_factory=lambda: (Watcher(), Watcher(tidy_s=1.0)))

    async def play(self, load: Awaitable[None], *others: Awaitable[None], stop_when: Callable[[], bool]) -> float:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await during(load, *(watcher.run() for watcher in self.watchers), *others, stop_when=stop_when)
        return loop.time() - began_s

    def all_ended(self) -> bool:
        return all(watcher.began and watcher.ended for watcher in self.watchers) and only_this_task()


def only_this_task() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}


def never() -> bool:
    return False


async def fail(after_s: float, error: BaseException) -> None:
    await asyncio.sleep(after_s)
    raise error


async def test_the_end_of_the_load_ends_all() -> None:
    """At its instant, and not before the watchers have tidied up."""
    scene = Scene()
    assert await scene.play(asyncio.sleep(34), stop_when=never) == pytest.approx(34 + 1)
    assert scene.all_ended()


async def test_a_watcher_that_is_done_early_ends_nothing() -> None:
    """The injector is done when its last fault is over."""
    scene = Scene()
    assert await scene.play(asyncio.sleep(34), asyncio.sleep(20), stop_when=never) == pytest.approx(35)
    assert scene.all_ended()


async def test_a_failing_watcher_ends_the_load() -> None:
    """Its problem is what the caller is told."""
    scene = Scene()
    problem = Problem("the disk is full")
    with pytest.raises(Problem, match="the disk is full") as raised:
        await scene.play(asyncio.sleep(34), fail(5, problem), stop_when=never)
    assert raised.value is problem
    assert scene.all_ended()


async def test_a_failing_load_ends_the_watchers() -> None:
    """The generator failed."""
    scene = Scene()
    with pytest.raises(Problem, match="generator"):
        await scene.play(fail(3, Problem("the load generator failed")), stop_when=never)
    assert scene.all_ended()


async def test_a_reason_to_stop_ends_all_within_a_second() -> None:
    """A part died: no error, the caller looks at the exits."""
    scene, loop = Scene(), asyncio.get_running_loop()
    start_s = loop.time()
    lasted_s = await scene.play(asyncio.sleep(34), stop_when=lambda: loop.time() >= start_s + 7)
    assert 7 <= lasted_s <= 7 + 1 + 1
    assert scene.all_ended()


async def test_a_reason_that_is_there_at_the_start() -> None:
    """Nothing is waited for."""
    loaded = asyncio.ensure_future(asyncio.sleep(34))
    await during(loaded, stop_when=lambda: True)
    assert loaded.cancelled()
    assert only_this_task()


async def test_a_failure_that_follows_from_a_dead_part_is_not_the_news() -> None:
    """The cache died, so the watcher that needs it fails a moment before the death is reported."""
    scene, loop = Scene(), asyncio.get_running_loop()
    start_s = loop.time()
    await scene.play(
        asyncio.sleep(34), fail(7, Problem("cannot reach it")), stop_when=lambda: loop.time() >= start_s + 7.2
    )
    assert scene.all_ended()


async def test_cancelling_ends_all() -> None:
    """Ctrl-C in the middle: the watchers tidy up, and the cancellation goes on."""
    scene = Scene()
    playing = asyncio.create_task(scene.play(asyncio.sleep(34), stop_when=never))
    await asyncio.sleep(10)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert scene.all_ended()


async def test_errors_while_tidying_up_hide_nothing() -> None:
    """A watcher that fails when it is cancelled does not spoil an arm that went well."""

    async def clumsy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("while tidying up")

    await during(asyncio.sleep(3), clumsy(), stop_when=never)
    assert only_this_task()
