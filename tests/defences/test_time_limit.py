import asyncio

import pytest

from rulezero.defences.time_limit import TimeLimit
from tests.defences.fakes import cancel, now_s


async def limited(limit: TimeLimit, length_s: float) -> str:
    with limit:
        await asyncio.sleep(length_s)
    return "done"


async def test_a_block_that_ends_in_time_is_left_alone() -> None:
    """Also later: nothing is left that could cancel the task."""
    limit = TimeLimit(1.0)
    assert await limited(limit, 0.9) == "done"
    await asyncio.sleep(9)
    assert not limit.expired
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


@pytest.mark.parametrize("at_s", [1.0, 0.0, -5.0])
async def test_a_block_that_takes_too_long_ends_in_a_timeout(at_s: float) -> None:
    """At once when the instant is past; the task can go on."""
    limit = TimeLimit(at_s)
    with pytest.raises(TimeoutError):
        await limited(limit, 9.0)
    assert limit.expired
    assert now_s() == pytest.approx(max(at_s, 0.0))
    await asyncio.sleep(1)


async def test_a_cancellation_from_outside_stays_one() -> None:
    """Before the time is up, and in the same turn of the loop."""
    for at_s in (9.0, 1.0):
        limit = TimeLimit(now_s() + at_s)
        task = asyncio.create_task(limited(limit, 99.0))
        await asyncio.sleep(0)
        if at_s == 1.0:
            asyncio.get_running_loop().call_at(limit._at_s, task.cancel)
            await asyncio.sleep(2)
        await cancel(task)
        assert task.cancelled()


async def test_an_error_from_within_passes_as_it_is() -> None:
    """A `TimeoutError` too: it is not this limit's."""
    limit = TimeLimit(1.0)
    with pytest.raises(TimeoutError, match="inner"), limit:
        raise TimeoutError("inner")
    assert not limit.expired


@pytest.mark.parametrize("inner_first", [True, False])
async def test_limits_nest(*, inner_first: bool) -> None:
    """The one whose time is up is the one that tells."""
    outer, inner = (TimeLimit(2.0), TimeLimit(1.0)) if inner_first else (TimeLimit(1.0), TimeLimit(2.0))
    with pytest.raises(TimeoutError), outer:
        await limited(inner, 9.0)
    assert (outer.expired, inner.expired) == (not inner_first, inner_first)
    assert now_s() == pytest.approx(1.0)


def test_outside_of_a_task_there_is_nothing_to_limit() -> None:
    """A programming error."""
    loop = asyncio.new_event_loop()
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            TimeLimit(1.0).__enter__()
        except RuntimeError as error:
            failed.append(error)

    loop.call_soon(enter)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert len(failed) == 1
