import asyncio

import pytest
from msgspec.structs import replace
from prometheus_client import generate_latest

from rulezero.calls import Operation
from rulezero.defences.bulkhead import BulkheadFull
from rulezero.dependencies.attempts import Link
from rulezero.outcome import Failed, Outcome, Rejected, TimedOut, Unreachable
from tests.counters import Change
from tests.defences.fakes import cancel
from tests.dependencies.fakes import LinkChanges

OPERATION = Operation(name="GET /", dependency="attempts")


def link_of(name: str) -> tuple[Link, LinkChanges]:
    link = Link(name=name, address="127.0.0.1:1", dependency="attempts")
    return link, LinkChanges(link, "attempts")


async def test_an_attempt_counts_when_it_starts_and_its_outcome_when_it_ends() -> None:
    """One that hangs never ends, and it is those that are to be seen."""
    link, changes = link_of("a-start")
    with link.attempt(OPERATION):
        assert changes.attempts == (1, 0)
        assert changes.outcomes == {}
    assert changes.attempts == (1, 0)
    assert changes.outcomes == {"ok": 1}


async def test_retries_are_told_from_first_attempts() -> None:
    """Their ratio is the amplification."""
    link, changes = link_of("a-retry")
    for attempt in (1, 2, 3):
        with link.attempt(replace(OPERATION, attempt=attempt)):
            pass
    assert changes.attempts == (1, 2)


async def test_copies_are_told_from_both() -> None:
    """Also the copy of a retry: what it adds is the load of hedging."""
    link, changes = link_of("a-hedge")
    for attempt in (1, 2):
        with link.attempt(replace(OPERATION, attempt=attempt, hedge=True)):
            pass
    assert (changes.attempts, changes.hedges) == ((0, 0), 2)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Failed("x"), Outcome.ERROR),
        (Unreachable("x"), Outcome.ERROR),
        (TimedOut("x"), Outcome.TIMEOUT),
        (Rejected("x"), Outcome.REJECTED),
        (BulkheadFull("x"), Outcome.NOT_SENT),
        (asyncio.CancelledError(), Outcome.CANCELLED),
        (ZeroDivisionError(), Outcome.ERROR),
    ],
)
async def test_each_error_is_counted_as_its_outcome_and_passes_through(error: BaseException, outcome: Outcome) -> None:
    """With the time it took."""
    link, changes = link_of(f"a-{type(error).__name__}")
    took_s = Change("http_client_request_duration_seconds_sum", dependency="attempts", outcome=outcome)

    async def attempted() -> None:
        with link.attempt(OPERATION):
            await asyncio.sleep(2)
            raise error

    with pytest.raises(type(error)):
        await attempted()
    assert changes.outcomes == {outcome.value: 1}
    assert took_s() == 2


@pytest.mark.parametrize(
    ("deadline_s", "outcome"), [(None, "cancelled"), (2.1, "cancelled"), (2.0005, "timeout"), (2.0, "timeout")]
)
async def test_an_attempt_cancelled_when_its_time_is_up_timed_out(deadline_s: float | None, outcome: str) -> None:
    """Its timer may be early by a millisecond; before that, its caller left."""
    link, changes = link_of(f"a-given-up-{deadline_s}")

    async def attempted() -> None:
        with link.attempt(replace(OPERATION, deadline_s=deadline_s)):
            await asyncio.sleep(9)

    task = asyncio.create_task(attempted())
    await asyncio.sleep(2)
    await cancel(task)
    assert task.cancelled()
    assert changes.outcomes == {outcome: 1}


async def test_every_series_of_a_link_starts_at_zero() -> None:
    """Else a rate over its first occurrence is wrong."""
    link_of("a-zero")
    text = generate_latest().decode()
    for outcome in Outcome:
        assert f'dependency_outcomes_total{{dependency="attempts",link="a-zero",outcome="{outcome}"}} 0.0' in text
