import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.calls import wrap
from rulezero.defences.retry import Retry, RetryConfig
from rulezero.defences.retry_budget import (
    RatioBudget,
    RetryBudget,
    RetryBudgetConfig,
    RetryBudgetEmpty,
    TokenThrottle,
)
from rulezero.outcome import CallError, Failed, NotSent, Outcome, Rejected, TimedOut
from tests.defences.fakes import OPERATION, Dependency, RecordingTeller, context, failed, operation, outcomes

RETRY = operation(attempt=2)
HEDGE = operation(hedge=True)


def budget(teller: RecordingTeller | None = None, **numbers: Any) -> RetryBudget:
    return RetryBudget(RetryBudgetConfig(**numbers), context(teller))


def failing(kind: type[CallError] = Failed) -> Dependency:
    """Fails with an error of its own each time, as a dependency does."""
    return Dependency(*[kind("x") for _ in range(2000)])


async def load(layer: RetryBudget, *, calls: int, per_s: float, dependency: Dependency) -> None:
    """Call at a steady rate, each with up to one retry after no pause."""
    retry = Retry(RetryConfig(attempts_max=2, base_s=0.0001, jitter="none"), context())
    call = wrap((retry, layer), dependency)
    for _ in range(calls):
        await outcomes([call(OPERATION)])
        await asyncio.sleep(1 / per_s)


async def test_first_attempts_pass_and_are_not_told() -> None:
    """Whatever is left: the budget is for extra ones."""
    teller = RecordingTeller()
    layer, dependency = budget(teller, reserve_per_s=0), Dependency()
    assert await outcomes(layer(OPERATION, dependency) for _ in range(50)) == ["reply"] * 50
    assert teller.names == []


async def test_an_extra_attempt_that_nothing_pays_for_is_refused() -> None:
    """With an error that says that it was not sent, and that asking again is pointless."""
    teller, dependency = RecordingTeller(), Dependency()
    with pytest.raises(RetryBudgetEmpty, match="payment") as caught:
        await budget(teller, reserve_per_s=0)(RETRY, dependency)
    assert dependency.calls == []
    assert (caught.value.outcome, caught.value.definite, caught.value.retryable) == (Outcome.NOT_SENT, True, False)
    assert teller.decisions == [("refused", {"kind": "retry"})]


async def test_five_first_attempts_pay_for_one_extra_at_a_fifth() -> None:
    """Finagle's form: a deposit of 1 each, a cost of 1/ratio."""
    layer, dependency = budget(ratio=0.2, reserve_per_s=0), Dependency()
    for granted in (0, 1, 2):
        assert len([call for call in dependency.calls if call.attempt > 1]) == granted
        await outcomes(layer(OPERATION, dependency) for _ in range(5))
        assert await outcomes([layer(RETRY, dependency)]) == ["reply"]
        assert isinstance((await outcomes([layer(RETRY, dependency)]))[0], RetryBudgetEmpty)


async def test_pitfall_a_budget_per_request_bounds_nothing() -> None:
    """One budget is that of all requests: what one has spent, the next has not."""
    layer, dependency = budget(reserve_per_s=0.2, ttl_s=10), Dependency()
    results = await outcomes(layer(RETRY, dependency) for _ in range(3))
    assert [type(result) for result in results] == [str, str, RetryBudgetEmpty]


async def test_pitfall_the_budget_is_shared_by_retries_and_hedges() -> None:
    """Two tokens, for whichever come first."""
    teller, dependency = RecordingTeller(), Dependency()
    layer = budget(teller, reserve_per_s=0.2, ttl_s=10)
    results = await outcomes(layer(one, dependency) for one in (RETRY, HEDGE, HEDGE, RETRY))
    assert [type(result) for result in results] == [str, str, RetryBudgetEmpty, RetryBudgetEmpty]
    assert [detail["kind"] for _, detail in teller.decisions] == ["retry", "hedge", "hedge", "retry"]


async def test_pitfall_slow_extra_attempts_cost_as_much_as_fast_ones() -> None:
    """They pay when they start: a budget of how many are under way would forget the fast ones."""
    layer, slow = budget(reserve_per_s=0.2, ttl_s=10), Dependency(latency_s=5.0)
    slow_ones = asyncio.gather(layer(RETRY, slow), layer(RETRY, slow))
    await asyncio.sleep(1)
    assert isinstance((await outcomes([layer(RETRY, Dependency())]))[0], RetryBudgetEmpty)
    await slow_ones


async def test_pitfall_an_extra_attempt_that_goes_elsewhere_counts() -> None:
    """A failed-over call is load all the same."""
    layer = budget(reserve_per_s=0)
    with pytest.raises(RetryBudgetEmpty):
        await layer(operation(attempt=2, tried={"edge-catalog-1"}), Dependency())


@pytest.mark.parametrize(("per_s", "clients", "share"), [(100.0, 1, 0.21), (0.1, 100, 1.0)])
async def test_pitfall_the_reserve_dominates_at_a_low_rate(per_s: float, clients: int, share: float) -> None:
    """With everything failing: one busy client stays at ratio + reserve / rate, a hundred quiet ones retry all."""
    sent = Dependency(*[failed() for _ in range(5000)])
    layers = [budget(ratio=0.2, reserve_per_s=1.0) for _ in range(clients)]
    calls = 2000 // clients
    await asyncio.gather(*(load(layer, calls=calls, per_s=per_s, dependency=sent) for layer in layers))
    extra = sum(call.attempt > 1 for call in sent.calls)
    assert extra / 2000 == pytest.approx(share, abs=0.02)


async def test_pitfall_the_grpc_form_does_not_refill_while_everything_fails() -> None:
    """A thousand failures later there is still no retry, however long that takes; and some successes later there is."""
    layer, sent = budget(form="grpc"), failing()
    await load(layer, calls=1000, per_s=1.0, dependency=sent)
    assert sum(call.attempt > 1 for call in sent.calls) <= 4
    for _ in range(50):
        await layer(OPERATION, Dependency())
    assert isinstance((await outcomes([layer(RETRY, Dependency())]))[0], RetryBudgetEmpty)
    await outcomes(layer(OPERATION, Dependency()) for _ in range(2))
    assert await layer(RETRY, Dependency()) == "reply"


async def test_an_error_for_which_no_retry_is_affordable_says_so() -> None:
    """So that retry gives up at once instead of pausing first; it is told, and the error is the same."""
    teller, error = RecordingTeller(), failed()
    layer = budget(teller, reserve_per_s=0)
    with pytest.raises(Failed) as caught:
        await layer(OPERATION, Dependency(error))
    assert caught.value is error
    assert not error.retryable
    assert teller.names == ["exhausted"]
    assert "exhausted" in RetryBudget.idle_decisions, "whether a retry was wanted at all is not known here"


@pytest.mark.parametrize("error", [Rejected("429"), NotSent("full"), KeyError("bug")])
async def test_what_is_not_retryable_anyway_is_passed_unchanged(error: Exception) -> None:
    """And not told."""
    teller = RecordingTeller()
    with pytest.raises(type(error)) as caught:
        await budget(teller, reserve_per_s=0)(OPERATION, Dependency(error))
    assert (caught.value, teller.names) == (error, [])


async def test_an_error_that_may_be_retried_stays_retryable() -> None:
    """While there is budget."""
    error = failed()
    with pytest.raises(Failed):
        await budget()(OPERATION, Dependency(error))
    assert error.retryable


@pytest.mark.parametrize(
    ("ending", "taken"),
    [
        (Failed("500"), 1.0),
        (TimedOut("slow"), 1.0),
        (Rejected("429"), 1.0),
        (ConnectionResetError(), 1.0),
        (NotSent("open"), 0.0),
        (asyncio.CancelledError(), 0.0),
        ("reply", 0.0),
    ],
)
async def test_each_outcome_takes_what_it_should_in_the_grpc_form(ending: object, taken: float) -> None:
    """A caller that left and a refusal on this side say nothing about the callee."""
    layer = budget(form="grpc")
    await outcomes([asyncio.create_task(_await(layer, ending))])
    assert isinstance(layer._budget, TokenThrottle)
    assert layer._budget.tokens == 10.0 - taken


async def _await(layer: RetryBudget, ending: object) -> Any:
    return await layer(OPERATION, Dependency(ending))


def test_what_is_given_back_can_be_spent_again() -> None:
    """Once: there is one token."""
    machine = RatioBudget(ratio=1.0, ttl_s=10.0, reserve_per_s=0.0)
    machine.deposit(0.0)
    assert machine.withdraw(0.0)
    machine.give_back(0.1)
    assert (machine.withdraw(0.2), machine.withdraw(0.2)) == (True, False)


Event = tuple[float, bool]
EVENTS = st.lists(st.tuples(st.floats(0, 4), st.booleans()), max_size=80)


@given(events=EVENTS, ratio=st.floats(0.01, 1), reserve_per_s=st.floats(0, 5), ttl_s=st.floats(0.5, 20))
def test_law_a_ratio_budget_never_grants_more_than_reserve_and_deposits(
    events: list[Event], ratio: float, reserve_per_s: float, ttl_s: float
) -> None:
    """In any interval t: reserve x t + ratio x deposits, and what it can begin with: that of one lifetime before.

    Two slices of time, a tenth of the lifetime each, are cut at the ends.
    """
    machine = RatioBudget(ratio=ratio, ttl_s=ttl_s, reserve_per_s=reserve_per_s)
    now_s, deposits, grants = 0.0, list[float](), list[float]()
    for gap_s, first in events:
        now_s += gap_s
        if first:
            machine.deposit(now_s)
            deposits.append(now_s)
        elif machine.withdraw(now_s):
            grants.append(now_s)
    for number, start_s in enumerate(grants):
        for count, end_s in enumerate(grants[number:], start=1):
            paid = sum(start_s - ttl_s <= at_s <= end_s for at_s in deposits)
            assert count <= reserve_per_s * (end_s - start_s + 1.2 * ttl_s) + ratio * paid + 1e-6


@given(tokens_max=st.integers(1, 100), before=st.lists(st.booleans(), max_size=50), token_ratio=st.floats(0.01, 10))
def test_law_half_the_tokens_failures_in_a_row_end_the_retries(
    tokens_max: int, before: list[bool], token_ratio: float
) -> None:
    """Whatever came before: after max/2 failures (rounded up) nothing extra is granted, until something succeeds."""
    machine = TokenThrottle(tokens_max=tokens_max, token_ratio=token_ratio)
    for success in before:
        machine.settle(Outcome.OK if success else Outcome.TIMEOUT)
        assert 0 <= machine.tokens <= tokens_max
    for _ in range((tokens_max + 1) // 2):
        machine.settle(Outcome.ERROR)
    assert not machine.withdraw(0.0)
    assert not machine.affords(1e9)


@pytest.mark.parametrize(("failure_share", "amplification"), [(0.05, 1.05), (0.3, 1.0)])
async def test_the_grpc_form_lets_few_failures_be_retried_and_many_not(
    failure_share: float, amplification: float
) -> None:
    """Below r / (1 + r) = 9 % failures each is retried; far above, hardly any."""
    every = round(1 / failure_share)
    sent = Dependency(*[failed() if number % every == 0 else "reply" for number in range(3000)])
    await load(budget(form="grpc"), calls=2000, per_s=100.0, dependency=sent)
    assert len(sent.calls) / 2000 == pytest.approx(amplification, abs=0.01)


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"form": "envoy"}, "form"),
        ({"ratio": 0.0}, "ratio"),
        ({"ratio": 1.1}, "ratio"),
        ({"ttl_s": 0.0}, "ttl_s"),
        ({"reserve_per_s": -1.0}, "reserve_per_s"),
        ({"tokens_max": 0}, "tokens_max"),
        ({"token_ratio": 0.0}, "token_ratio"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any], key: str) -> None:
    """Each by itself."""
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert(numbers, RetryBudgetConfig)
