import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from rulezero.calls import Operation, wrap
from rulezero.defences.bulkhead import Bulkhead, BulkheadConfig
from rulezero.defences.circuit_breaker import CircuitBreaker, CircuitBreakerConfig
from rulezero.defences.hedging import Hedging, HedgingConfig
from rulezero.defences.retry_budget import RetryBudget, RetryBudgetConfig
from rulezero.defences.timeout import AttemptTimedOut, Timeout, TimeoutConfig
from rulezero.outcome import Failed, NotSent, Rejected, TimedOut, Unreachable
from tests.defences.fakes import (
    OPERATION,
    Dependency,
    Hanging,
    RecordingTeller,
    cancel,
    context,
    failed,
    now_s,
    operation,
    others,
    outcomes,
    settle,
)


def hedging(teller: RecordingTeller | None = None, **numbers: Any) -> Hedging:
    """Return a layer that hedges after 0.1 s and may do so at every call, unless told otherwise."""
    return Hedging(HedgingConfig(**{"delay_s": 0.1, "extra_load_max": 1.0, **numbers}), context(teller))


class Copies:
    """Answers the first attempt and its copy each in its own time and way."""

    def __init__(self, primary: tuple[float, object], hedge: tuple[float, object]) -> None:
        self.primary = Dependency(primary[1], latency_s=primary[0])
        self.hedge = Dependency(hedge[1], latency_s=hedge[0])

    async def __call__(self, asked: Operation) -> Any:
        return await (self.hedge if asked.hedge else self.primary)(asked)

    @property
    def cancelled(self) -> tuple[int, int]:
        return self.primary.cancelled, self.hedge.cancelled

    @property
    def sent(self) -> tuple[int, int]:
        return len(self.primary.calls), len(self.hedge.calls)


async def test_a_call_that_is_answered_in_time_is_sent_once() -> None:
    """And nothing is told."""
    teller, dependency = RecordingTeller(), Dependency(latency_s=0.09)
    assert await hedging(teller)(OPERATION, dependency) == "reply"
    assert (len(dependency.calls), teller.names, others()) == (1, [], set())


async def test_a_late_call_is_sent_again_and_the_first_reply_wins() -> None:
    """The loser is cancelled; the copy is marked, and shares what has been tried."""
    teller, copies = RecordingTeller(), Copies((9.0, "primary"), (0.2, "hedge"))
    asked = operation(tried={"edge-catalog-1"})
    assert await hedging(teller)(asked, copies) == "hedge"
    assert now_s() == pytest.approx(0.3)
    await settle()
    assert (copies.cancelled, others()) == ((1, 0), set())
    (copy,) = copies.hedge.calls
    assert (copy.hedge, copy.attempt, copy.tried is asked.tried) == (True, 1, True)
    assert teller.names == ["hedged", "hedge_won"]


async def test_the_primary_may_still_win() -> None:
    """Then the copy is cancelled."""
    teller, copies = RecordingTeller(), Copies((0.2, "primary"), (9.0, "hedge"))
    assert await hedging(teller)(OPERATION, copies) == "primary"
    await settle()
    assert now_s() == pytest.approx(0.2)
    assert (copies.cancelled, others()) == ((0, 1), set())
    assert teller.names == ["hedged", "primary_won"]


@pytest.mark.parametrize(("hedge_wins", "takes_s"), [(True, 0.3), (False, 0.2)])
async def test_the_winner_does_not_wait_until_the_loser_has_cleaned_up(*, hedge_wins: bool, takes_s: float) -> None:
    """Neither of them: a connection given back slowly is not the caller's loss."""

    async def slow_to_leave(asked: Operation) -> str:
        try:
            await asyncio.sleep(0.2 if asked.hedge is hedge_wins else 9.0)
        except asyncio.CancelledError:
            await asyncio.sleep(5.0)
            raise
        return "reply"

    start_s = now_s()
    assert await hedging()(OPERATION, slow_to_leave) == "reply"
    assert now_s() - start_s == pytest.approx(takes_s)
    assert len(others()) == 1
    await asyncio.sleep(5.1)
    assert others() == set()


@pytest.mark.parametrize("asked", [operation(idempotent=False), operation(hedge=True), operation(elsewhere=False)])
async def test_pitfall_writes_are_never_hedged(asked: Operation) -> None:
    """Nor are copies, nor what has no other link to go to: all go straight through."""
    dependency = Dependency(latency_s=5.0)
    assert await hedging()(asked, dependency) == "reply"
    assert dependency.calls == [asked]


@pytest.mark.parametrize("error", [failed(), Rejected("429"), Unreachable("refused"), NotSent("full")])
async def test_a_failure_before_the_delay_is_raised_not_hedged(error: Exception) -> None:
    """Hedging is against slowness; failures are for retry, which waits in between."""
    teller, dependency = RecordingTeller(), Dependency(error, latency_s=0.05)
    with pytest.raises(type(error)) as caught:
        await hedging(teller)(OPERATION, dependency)
    assert caught.value is error
    assert (len(dependency.calls), teller.names, others()) == (1, [], set())


@pytest.mark.parametrize("primary_s", [0.2, 0.5])
async def test_once_a_copy_is_out_one_failure_does_not_count(primary_s: float) -> None:
    """Whichever fails first, the other one's reply is taken."""
    copies = Copies((primary_s, failed()), (0.3, "hedge"))
    assert await hedging()(OPERATION, copies) == "hedge"
    copies = Copies((0.3, "primary"), (primary_s - 0.1, failed()))
    assert await hedging()(OPERATION, copies) == "primary"


@pytest.mark.parametrize(
    ("primary", "hedge", "raised", "told"),
    [
        ((0.2, Failed("p")), (0.3, Failed("h")), "h", ["hedged", "both_failed"]),
        ((0.9, Failed("p")), (0.3, Failed("h")), "p", ["hedged", "both_failed"]),
        ((0.9, Failed("p")), (0.0, NotSent("h")), "p", ["copy_refused"]),
        ((0.2, Failed("p")), (0.5, NotSent("h")), "p", ["hedged", "copy_refused"]),
        ((0.2, TimedOut("p")), (0.3, Unreachable("h")), "p", ["hedged", "both_failed"]),
        ((0.2, Unreachable("p")), (0.3, Unreachable("h")), "h", ["hedged", "both_failed"]),
    ],
)
async def test_when_both_fail_the_error_says_no_more_than_is_known(
    primary: tuple[float, object], hedge: tuple[float, object], raised: str, told: list[str]
) -> None:
    """The later one, unless it claims that nothing happened when the other may have."""
    teller = RecordingTeller()
    with pytest.raises(Exception, match=raised):
        await hedging(teller)(OPERATION, Copies(primary, hedge))
    assert teller.names == told
    assert others() == set()


@pytest.mark.parametrize("primary_s", [0.2, 0.09])
async def test_a_bug_is_not_covered_up(primary_s: float) -> None:
    """An exception that is no call's outcome passes at once."""
    with pytest.raises(KeyError):
        await hedging()(OPERATION, Copies((primary_s, KeyError("bug")), (9.0, "hedge")))
    await settle()
    assert others() == set()


async def test_a_copy_refused_further_in_leaves_the_primary_alone() -> None:
    """By the budget, a bulkhead or a breaker: the call goes on as if it had not been hedged, which decides nothing."""
    layers: tuple[Callable[[], Any], ...] = (
        lambda: RetryBudget(RetryBudgetConfig(reserve_per_s=0.0), context()),
        lambda: Bulkhead(BulkheadConfig(permits=1), context()),
    )
    for make in layers:
        teller, dependency = RecordingTeller(), Dependency(latency_s=2.0)
        assert await wrap((hedging(teller), make()), dependency)(OPERATION) == "reply"
        assert (len(dependency.calls), dependency.cancelled) == (1, 0)
        assert teller.names == ["copy_refused"]
        assert "copy_refused" in Hedging.idle_decisions


async def test_a_copy_refused_further_in_is_not_paid_for() -> None:
    """At a half, two calls pay for a copy: the one that was refused is followed by another at the next call."""
    teller = RecordingTeller()
    layer, late = hedging(teller, extra_load_max=0.5), (0.3, "primary")
    for copy in ((0.1, "hedge"), (0.0, NotSent("full")), (0.1, "hedge")):
        await layer(OPERATION, Copies(late, copy))
    assert teller.names == ["budget_empty", "copy_refused", "hedged", "hedge_won"]


async def test_pitfall_cancelled_losers_are_no_failures_of_the_breaker() -> None:
    """A hundred of them leave it closed, and half-open they give their probes back."""
    teller = RecordingTeller()
    breaker = CircuitBreaker(CircuitBreakerConfig(probes=2), context(teller))
    call = wrap((hedging(), breaker), Copies((9.0, "primary"), (0.1, "hedge")))
    for _ in range(100):
        assert await call(OPERATION) == "hedge"
    assert teller.states == [0]
    await outcomes(breaker(OPERATION, Dependency(failed())) for _ in range(200))
    await asyncio.sleep(2)
    assert await call(OPERATION) == "hedge"
    await settle()
    assert teller.states == [0, 2, 1]
    assert await breaker(OPERATION, Dependency()) == "reply"
    assert teller.states == [0, 2, 1, 0]


@pytest.mark.parametrize(("leaves_at_s", "sent"), [(0.0, 1), (0.05, 1), (0.1, 1), (0.15, 2)])
async def test_a_caller_that_leaves_takes_both_copies_with_it(leaves_at_s: float, sent: int) -> None:
    """Before the copy is out, as it goes out, and after: no task is left."""
    hanging = Hanging()
    caller = asyncio.create_task(hedging()(OPERATION, hanging))
    await asyncio.sleep(leaves_at_s)
    await cancel(caller)
    await settle()
    assert caller.cancelled()
    assert (len(hanging.calls), hanging.running, hanging.cancelled, others()) == (sent, 0, sent, set())


async def test_each_copy_has_its_own_timeout() -> None:
    """The copy that started later is waited for longer."""
    call = wrap((hedging(), Timeout(TimeoutConfig(timeout_s=1.0), context())), Hanging())
    with pytest.raises(AttemptTimedOut):
        await call(OPERATION)
    assert now_s() == pytest.approx(1.1)


async def test_an_error_of_a_loser_is_not_reported_as_unheard() -> None:
    """One that fails while it is cancelled, and one that fails at the same instant as the other replies."""
    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))

    async def fails_when_cancelled(asked: Operation) -> str:
        try:
            await asyncio.sleep(0.2 if asked.hedge else 9.0)
        except asyncio.CancelledError:
            raise failed() from None
        return "reply"

    assert await hedging()(OPERATION, fails_when_cancelled) == "reply"
    assert await hedging()(OPERATION, Copies((0.2, "primary"), (0.1, failed()))) == "primary"
    await settle()
    assert (others(), unheard) == (set(), [])


async def test_losers_that_do_not_end_stop_the_hedging() -> None:
    """A bound on what is left behind: beyond it, calls are made as if hedging were off."""
    release = asyncio.Event()

    async def stuck(asked: Operation) -> str:
        if not asked.hedge and not release.is_set():
            try:
                await asyncio.sleep(9.0)
            except asyncio.CancelledError:
                await release.wait()
                raise
        await asyncio.sleep(0.3)
        return "reply"

    layer, dependency = hedging(), Dependency(latency_s=0.3)
    await outcomes(layer(OPERATION, stuck) for _ in range(1000))
    assert await layer(OPERATION, dependency) == "reply"
    assert len(dependency.calls) == 1
    release.set()
    await settle()
    assert others() == set()
    assert await layer(OPERATION, dependency) == "reply"
    assert len(dependency.calls) == 3


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"extra_load_max": 0.0}, "extra_load_max"),
        ({"extra_load_max": 1.1}, "extra_load_max"),
        ({"extra_load_max": 1.0}, "extra_load_max"),
        ({"delay_s": 0.0}, "delay_s"),
        ({"window_s": 1.0, "refresh_s": 2.0}, "refresh_s"),
        ({"window_s": 1000.0, "refresh_s": 0.1}, "refresh_s"),
        ({"samples_min": 0}, "samples_min"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any], key: str) -> None:
    """Each alone, and the two lengths of time together."""
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert(numbers, HedgingConfig)
