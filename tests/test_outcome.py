import asyncio

import pytest

from rulezero.defences.adaptive_throttle import Throttled
from rulezero.defences.bulkhead import BulkheadFull
from rulezero.defences.circuit_breaker import BreakerOpen
from rulezero.defences.coalescing import LoadTimedOut, WaitTimedOut
from rulezero.defences.deadline import DeadlineExceeded, DeadlineTimedOut
from rulezero.defences.lease import LeaseWaitTimedOut
from rulezero.defences.retry_budget import RetryBudgetEmpty
from rulezero.defences.timeout import AttemptTimedOut
from rulezero.outcome import CallError, Failed, NotSent, Outcome, Rejected, TimedOut, Unreachable, of_both, outcome_of


@pytest.mark.parametrize(
    ("error", "outcome", "definite", "retryable"),
    [
        (Failed, Outcome.ERROR, False, True),
        (Unreachable, Outcome.ERROR, True, True),
        (TimedOut, Outcome.TIMEOUT, False, True),
        (AttemptTimedOut, Outcome.TIMEOUT, False, True),
        (LoadTimedOut, Outcome.TIMEOUT, False, True),
        (LeaseWaitTimedOut, Outcome.TIMEOUT, False, False),
        (DeadlineTimedOut, Outcome.TIMEOUT, False, False),
        (WaitTimedOut, Outcome.TIMEOUT, False, False),
        (Rejected, Outcome.REJECTED, False, False),
        (NotSent, Outcome.NOT_SENT, True, False),
        (BreakerOpen, Outcome.NOT_SENT, True, False),
        (BulkheadFull, Outcome.NOT_SENT, True, False),
        (DeadlineExceeded, Outcome.NOT_SENT, True, False),
        (RetryBudgetEmpty, Outcome.NOT_SENT, True, False),
        (Throttled, Outcome.NOT_SENT, True, False),
    ],
)
def test_each_error_says_its_outcome_whether_it_happened_and_whether_to_ask_again(
    *, error: type[CallError], outcome: Outcome, definite: bool, retryable: bool
) -> None:
    """Breakers, budgets and retries decide by these three alone."""
    raised = error("why")
    assert (outcome_of(raised), raised.definite, raised.retryable) == (outcome, definite, retryable)


def test_a_cancellation_says_nothing_about_the_callee() -> None:
    """It is an outcome of its own, not an error."""
    assert outcome_of(asyncio.CancelledError()) is Outcome.CANCELLED


@pytest.mark.parametrize("error", [ValueError("bug"), ConnectionResetError(), TimeoutError()])
def test_an_unknown_exception_is_an_error(error: Exception) -> None:
    """Also a bare TimeoutError: whose time was up is not known."""
    assert outcome_of(error) is Outcome.ERROR


def test_an_error_carries_the_pause_that_the_callee_asked_for() -> None:
    """None unless it asked."""
    assert Failed("busy", retry_after_s=1.5).retry_after_s == 1.5
    assert Failed("busy").retry_after_s is None


def test_there_are_six_outcomes() -> None:
    """Metrics and tables have one column for each, spelt like this."""
    assert set(Outcome) == {"ok", "error", "timeout", "rejected", "cancelled", "not_sent"}


KINDS = (Failed, Unreachable, TimedOut, Rejected, NotSent)


@pytest.mark.parametrize("later", KINDS)
@pytest.mark.parametrize("earlier", KINDS)
def test_of_two_errors_the_one_raised_claims_only_what_holds_for_both(
    earlier: type[CallError], later: type[CallError]
) -> None:
    """It says that nothing happened only if both do, and that nothing was sent only if nothing was."""
    raised = of_both(earlier("1"), later("2"))
    assert raised.definite == (earlier.definite and later.definite)
    assert isinstance(raised, NotSent) == (earlier is later is NotSent)
