import asyncio
import gc
import weakref
from typing import Any

import pytest

from rulezero.calls import Operation
from rulezero.defences.background import Background, renewed
from rulezero.request_context import current_deadline_s, deadline_var
from tests.defences.fakes import Dependency, Hanging, failed, now_s, operation, others, settle


async def test_what_is_started_runs_on_when_its_request_has_ended() -> None:
    """Neither its starter's end nor its cancellation reaches it."""
    background, ended = Background(), asyncio.Event()

    async def run() -> None:
        await asyncio.sleep(5)
        ended.set()

    async def request() -> None:
        background.start(run)
        await asyncio.sleep(3600)

    task = asyncio.create_task(request())
    await asyncio.sleep(1)
    task.cancel()
    await ended.wait()
    await settle()
    assert now_s() == pytest.approx(5)
    assert background._tasks == set()


async def test_a_task_is_not_collected_while_it_runs() -> None:
    """Pitfall: refresh dropped because the task was garbage collected. This one waits for what only it knows."""
    background = Background()
    alive: list[weakref.ref[asyncio.Future[None]]] = []

    async def run() -> None:
        waiting = asyncio.get_running_loop().create_future()
        alive.append(weakref.ref(waiting))
        await waiting

    background.start(run)
    await settle()
    gc.collect()
    assert alive[0]() is not None
    await background.close()


async def test_it_runs_under_no_deadline() -> None:
    """Pitfall: refresh tied to the request's deadline. The request keeps its own."""
    seen: list[float | None] = []

    async def run() -> None:
        seen.append(current_deadline_s())

    deadline_var.set(3.0)
    Background().start(run)
    await settle()
    assert (seen, current_deadline_s()) == ([None], 3.0)


async def test_there_are_only_so_many() -> None:
    """Beyond the bound nothing is started, until one has ended."""
    background, hanging = Background(tasks_max=2), Hanging()
    started = [background.start(lambda: hanging(operation())) for _ in range(3)]
    assert started == [True, True, False]
    await background.close()
    background, quick = Background(tasks_max=1), Dependency()
    for _ in range(3):
        assert background.start(lambda: quick(operation()))
        await settle()
    assert len(quick.calls) == 3


async def test_closing_cancels_what_runs_and_starts_nothing_more() -> None:
    """Nothing is left behind."""
    background, hanging = Background(), Hanging()
    for _ in range(5):
        background.start(lambda: hanging(operation()))
    await settle()
    await background.close()
    assert (hanging.cancelled, hanging.running, others()) == (5, 0, set())
    assert not background.start(lambda: hanging(operation()))
    await background.close()


async def test_closing_does_not_wait_for_ever() -> None:
    """One that does not want to end is left to the loop."""
    background = Background()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(3600)

    background.start(stubborn)
    await settle()
    await background.close()
    assert now_s() == pytest.approx(1.0)


async def test_what_is_held_is_given_back_also_when_it_is_full_or_closed() -> None:
    """By what is cancelled at the close, too; the close waits for it."""
    background, given_back = Background(tasks_max=1), list[str]()

    async def give_back() -> None:
        await asyncio.sleep(0.5)
        given_back.append("lease")

    async def holder() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            background.give_back(give_back)

    background.start(holder)
    await settle()
    background.give_back(give_back)
    assert not background.start(holder)
    await background.close()
    assert now_s() == pytest.approx(0.5)
    assert (given_back, others()) == (["lease"] * 2, set())


async def test_closing_gives_up_what_cannot_be_given_back() -> None:
    """The cache is gone: after a moment nothing runs any more."""
    background, hanging = Background(), Hanging()
    background.give_back(lambda: hanging(operation()))
    await settle()
    await background.close()
    await settle()
    assert now_s() == pytest.approx(1.0)
    assert (hanging.cancelled, others()) == (1, set())


@pytest.mark.parametrize(
    ("dependency", "well"), [(Dependency(), True), (Dependency(failed()), False), (Hanging(), False)]
)
async def test_a_renewal_tells_whether_it_went_well(dependency: Dependency, *, well: bool) -> None:
    """It has no deadline, but a bound of its own."""
    asked: Operation = operation(deadline_s=0.0, key="42")
    assert await renewed(asked, dependency, timeout_s=10.0) is well
    assert [call.deadline_s for call in dependency.calls] == [None]
    assert now_s() == pytest.approx(10.0 if isinstance(dependency, Hanging) else 0.0)


async def test_a_bug_in_a_renewal_is_not_taken_for_a_failure_of_the_origin() -> None:
    """It comes out, and asyncio reports it."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, details: complaints.append(details))

    async def run() -> None:
        await renewed(operation(), Dependency(ValueError("a bug")), timeout_s=1.0)

    Background().start(run)
    await settle()
    gc.collect()
    assert [str(one["exception"]) for one in complaints] == ["a bug"]
