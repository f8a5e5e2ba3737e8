import asyncio

import msgspec
import pytest

from rulezero.defences.timeout import AttemptTimedOut, Timeout, TimeoutConfig
from tests.defences.fakes import OPERATION, Dependency, Hanging, RecordingTeller, cancel, context, now_s, operation


def timeout(timeout_s: float, teller: RecordingTeller | None = None) -> Timeout:
    return Timeout(TimeoutConfig(timeout_s=timeout_s), context(teller))


async def test_a_reply_in_time_passes() -> None:
    """Nothing is told and nothing changed."""
    teller = RecordingTeller()
    assert await timeout(1.0, teller)(OPERATION, Dependency("reply", latency_s=0.9)) == "reply"
    assert teller.names == []


async def test_an_attempt_that_hangs_is_given_up_after_the_timeout() -> None:
    """The callee's coroutine is cancelled, not left behind, and the error names the dependency."""
    teller, hanging = RecordingTeller(), Hanging()
    with pytest.raises(AttemptTimedOut, match="payment"):
        await timeout(0.5, teller)(OPERATION, hanging)
    assert now_s() == pytest.approx(0.5)
    assert (hanging.cancelled, hanging.running) == (1, 0)
    assert teller.names == ["timed_out"]


async def test_someone_elses_timeout_is_not_claimed() -> None:
    """A TimeoutError from within passes as it is: it is not known what it means."""
    teller = RecordingTeller()
    with pytest.raises(TimeoutError) as caught:
        await timeout(1.0, teller)(OPERATION, Dependency(TimeoutError("inner")))
    assert str(caught.value) == "inner"
    assert teller.names == []


async def test_the_callers_cancellation_stays_a_cancellation() -> None:
    """Pitfall: cancel not propagated, or turned into a timeout that retries and breakers count."""
    teller, hanging = RecordingTeller(), Hanging()
    task = asyncio.create_task(timeout(1.0, teller)(OPERATION, hanging))
    await asyncio.sleep(0.1)
    await cancel(task)
    assert task.cancelled()
    assert hanging.cancelled == 1
    assert teller.names == []


async def test_the_callee_is_told_the_smaller_of_timeout_and_deadline() -> None:
    """Pitfall: a callee that is told the caller's whole deadline works on for an attempt that was given up."""
    seen = Dependency()
    layer = timeout(0.5)
    for deadline_s in (10.0, 0.2, None):
        await layer(operation(deadline_s=deadline_s), seen)
    assert [call.deadline_s for call in seen.calls] == [0.5, 0.2, 0.5]


@pytest.mark.parametrize("timeout_s", [0, -1, 3601, float("nan"), "1"])
def test_a_timeout_that_bounds_nothing_is_refused(timeout_s: object) -> None:
    """Zero, negative, absurd or not a number."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"timeout_s": timeout_s}, TimeoutConfig)
