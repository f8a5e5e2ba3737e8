"""The defences together: what each sees of the others."""

import asyncio
from typing import Any

import pytest

from rulezero.calls import Operation, Proceed, wrap
from rulezero.defences import CATALOGUE
from rulezero.defences.bulkhead import Bulkhead, BulkheadConfig, BulkheadFull
from rulezero.defences.circuit_breaker import BreakerOpen, CircuitBreakerConfig
from rulezero.defences.coalescing import Coalescing, CoalescingConfig
from rulezero.defences.deadline import DeadlineConfig, DeadlineExceeded, DeadlineTimedOut
from rulezero.defences.retry import RetryConfig
from rulezero.defences.timeout import AttemptTimedOut, TimeoutConfig
from rulezero.outcome import Failed, Rejected
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


class Stack:
    """The catalogue's defences, each with a teller of its own; only those with numbers are on."""

    def __init__(self, *configs: Any) -> None:
        self.tellers: dict[str, RecordingTeller] = {}
        self.layers: dict[str, Any] = {}
        catalogue: tuple[Any, ...] = CATALOGUE
        by_type = {type(config): config for config in configs}
        for defence in catalogue:
            if defence.config_type in by_type:
                teller = self.tellers[defence.name] = RecordingTeller()
                self.layers[defence.name] = defence(by_type[defence.config_type], context(teller))

    def around(self, send: Proceed) -> Proceed:
        return wrap(tuple(self.layers.values()), send)

    def names(self, defence: str) -> list[str]:
        return self.tellers[defence].names


def whole(**numbers: Any) -> Stack:
    """Return the stack with everything on."""
    return Stack(
        CoalescingConfig(),
        DeadlineConfig(),
        RetryConfig(jitter="none", base_s=0.1, **numbers),
        CircuitBreakerConfig(),
        BulkheadConfig(permits=2),
        TimeoutConfig(timeout_s=1.0),
    )


def test_the_order_of_the_catalogue() -> None:
    """Loads are shared outside everything; the deadline spans retries; retries see the breaker."""
    assert [defence.name for defence in CATALOGUE] == [
        "coalescing",
        "deadline",
        "retry",
        "circuit_breaker",
        "bulkhead",
        "timeout",
    ]
    assert [defence.family for defence in CATALOGUE] == ["cache", "call", "call", "call", "call", "call"]


@pytest.mark.parametrize("defence", CATALOGUE)
def test_every_defence_works_with_its_default_numbers(defence: type[Any]) -> None:
    """And its file, its name and its key are one word."""
    assert defence.__module__ == f"rulezero.defences.{defence.name}"
    assert defence(defence.config_type(), context()).name == defence.name


async def test_everything_on_a_good_call_passes() -> None:
    """Each defence says so, and nothing is left behind."""
    stack = whole()
    assert await stack.around(Dependency())(operation(key="42")) == "reply"
    assert {name: teller.names for name, teller in stack.tellers.items()} == {
        "coalescing": ["leader"],
        "deadline": [],
        "retry": [],
        "circuit_breaker": ["allowed"],
        "bulkhead": ["admitted"],
        "timeout": [],
    }


async def test_an_open_breaker_ends_the_retries() -> None:
    """Pitfall: retry loops that sleep while the breaker is open. It opens on the first failure."""
    stack = Stack(RetryConfig(jitter="none", base_s=0.1, attempts_max=5), CircuitBreakerConfig(volume_min=1))
    dependency = Dependency(failed())
    with pytest.raises(BreakerOpen):
        await stack.around(dependency)(OPERATION)
    assert len(dependency.calls) == 1
    assert now_s() == pytest.approx(0.1)
    assert stack.names("retry") == ["scheduled", "not_retryable"]


async def test_each_attempt_counts_at_the_breaker() -> None:
    """Retry outside breaker: one call that fails three times is three failures."""
    stack = Stack(RetryConfig(jitter="none"), CircuitBreakerConfig(volume_min=3))
    with pytest.raises(Failed):
        await stack.around(Dependency(failed()))(OPERATION)
    assert stack.tellers["circuit_breaker"].states == [0, 2]


async def test_a_deadline_spans_all_attempts() -> None:
    """Pitfall: each retry gets a fresh full timeout. Attempts of up to 1 s end together at 1.5 s, not after 3."""
    stack, hanging = whole(attempts_max=3), Hanging()
    with pytest.raises(DeadlineTimedOut):
        await stack.around(hanging)(operation(deadline_s=1.5))
    assert now_s() == pytest.approx(1.5)
    assert hanging.called_at_s == pytest.approx([0.0, 1.1])
    assert [call.deadline_s for call in hanging.calls] == pytest.approx([1.0, 1.5])


async def test_no_attempt_is_scheduled_past_the_deadline() -> None:
    """The error of the attempt that was made comes back at once, not a timeout later."""
    stack, dependency = whole(), Dependency(failed(), latency_s=0.5)
    with pytest.raises(Failed):
        await stack.around(dependency)(operation(deadline_s=0.55))
    assert now_s() == pytest.approx(0.5)
    assert stack.names("retry") == ["no_time"]
    assert stack.names("deadline") == ["propagated"]


async def test_a_timeout_longer_than_the_deadline_does_not_lengthen_it() -> None:
    """Pitfall: nested timeouts longer inside than outside."""
    stack = Stack(DeadlineConfig(), TimeoutConfig(timeout_s=60.0))
    with pytest.raises(DeadlineTimedOut):
        await stack.around(Hanging())(operation(deadline_s=0.2))
    assert now_s() == pytest.approx(0.2)


async def test_timeout_and_deadline_at_the_same_instant_are_one_deadline() -> None:
    """Whichever timer fires first, the caller is told once, and not asked to retry."""
    stack = Stack(DeadlineConfig(), RetryConfig(), TimeoutConfig(timeout_s=0.5))
    with pytest.raises((DeadlineTimedOut, AttemptTimedOut)):
        await stack.around(Hanging())(operation(deadline_s=0.5))
    assert now_s() == pytest.approx(0.5)
    assert stack.names("retry") in ([], ["no_time"])


async def test_an_expired_call_reaches_nothing() -> None:
    """Refused before breaker and bulkhead are asked."""
    stack, dependency = whole(), Dependency()
    with pytest.raises(DeadlineExceeded):
        await stack.around(dependency)(operation(deadline_s=0.0))
    assert (dependency.calls, stack.names("circuit_breaker"), stack.names("bulkhead")) == ([], [], [])


async def test_a_timeout_is_a_failure_to_the_breaker_and_a_cancellation_is_not() -> None:
    """Both look the same from inside, where the call is cancelled either way."""
    for times_out in (True, False):
        stack = Stack(CircuitBreakerConfig(), TimeoutConfig(timeout_s=1.0))
        callers = [asyncio.create_task(_await(stack.around(Hanging()), OPERATION)) for _ in range(20)]
        await asyncio.sleep(2.0 if times_out else 0.5)
        await cancel(*callers)
        assert stack.tellers["circuit_breaker"].states == ([0, 2] if times_out else [0])


@pytest.mark.parametrize("leaves_at_s", [0.0, 0.5, 1.05, 1.5])
@pytest.mark.parametrize("key", ["", "42"])
async def test_a_cancellation_goes_through_the_whole_stack(key: str, leaves_at_s: float) -> None:
    """In an attempt, in the pause, in the next: no permit and no task is left, and the breaker stays closed."""
    stack, hanging = whole(), Hanging()
    callers = [asyncio.create_task(_await(stack.around(hanging), operation(key=key))) for _ in range(2)]
    await asyncio.sleep(leaves_at_s)
    await cancel(*callers)
    await settle()
    assert all(caller.cancelled() for caller in callers)
    assert (hanging.running, others()) == (0, set())
    assert stack.layers["bulkhead"]._in_use == 0
    assert stack.tellers["circuit_breaker"].states == [0]
    assert await outcomes(stack.around(Dependency(latency_s=0.1))(OPERATION) for _ in range(2)) == ["reply"] * 2


async def test_no_permit_is_held_during_a_pause() -> None:
    """Pitfall: permit held across retries and sleeps. While one call waits to retry, another has the only permit."""
    stack = Stack(RetryConfig(jitter="none", base_s=1.0), BulkheadConfig(permits=1))
    first = asyncio.create_task(_await(stack.around(Dependency(failed(), "first")), OPERATION))
    await asyncio.sleep(0.5)
    assert not first.done()
    assert stack.layers["bulkhead"]._in_use == 0
    assert await stack.around(Dependency("second"))(OPERATION) == "second"
    assert await first == "first"


async def test_a_full_bulkhead_is_neither_retried_nor_held_against_the_callee() -> None:
    """Two run, fifty are refused on this side: the breaker stays closed and no retry is scheduled."""
    stack, dependency = whole(), Dependency(latency_s=0.5)
    results = await outcomes(stack.around(dependency)(OPERATION) for _ in range(52))
    assert results.count("reply") == 2
    assert sum(isinstance(result, BulkheadFull) for result in results) == 50
    assert stack.tellers["circuit_breaker"].states == [0]
    assert stack.names("retry") == ["not_retryable"] * 50


async def test_a_full_bulkhead_gives_its_probe_back() -> None:
    """Half-open, calls that the bulkhead refuses decide nothing and use up no probe."""
    stack = Stack(CircuitBreakerConfig(volume_min=1, probes=2), BulkheadConfig(permits=1))
    await outcomes([stack.around(Dependency(failed()))(OPERATION)])
    await asyncio.sleep(2)
    probe = asyncio.create_task(_await(stack.around(Dependency(latency_s=1.0)), OPERATION))
    await settle()
    for _ in range(5):
        with pytest.raises(BulkheadFull):
            await stack.around(Dependency())(OPERATION)
    assert stack.tellers["circuit_breaker"].states == [0, 2, 1]
    await probe
    await stack.around(Dependency())(OPERATION)
    assert stack.tellers["circuit_breaker"].states == [0, 2, 1, 0]


async def test_overload_passes_all_layers_as_overload() -> None:
    """Not retried, not a failure, not turned into anything else."""
    stack, error = whole(), Rejected("503 shed")
    for _ in range(20):
        with pytest.raises(Rejected) as caught:
            await stack.around(Dependency(error))(OPERATION)
        assert caught.value is error
    assert stack.tellers["circuit_breaker"].states == [0]


async def test_a_refusal_inside_a_refusal_is_still_not_sent() -> None:
    """Nested hops: the outer breaker counts nothing when an inner one is open, and the outer retry does not insist."""
    inner = Stack(CircuitBreakerConfig(volume_min=1))
    await outcomes([inner.around(Dependency(failed()))(OPERATION)])
    outer, dependency = whole(), Dependency()
    for _ in range(20):
        with pytest.raises(BreakerOpen):
            await outer.around(inner.around(dependency))(OPERATION)
    assert dependency.calls == []
    assert outer.tellers["circuit_breaker"].states == [0]
    assert outer.names("retry") == ["not_retryable"] * 20


async def test_a_shared_load_is_retried_once_for_all() -> None:
    """A hundred callers and a failure that passes: two attempts, not two hundred, under one permit."""
    stack, origin = whole(), Dependency(failed(), "reply", latency_s=0.2)
    results = await outcomes(stack.around(origin)(operation(key="42", deadline_s=9.0)) for _ in range(100))
    assert results == ["reply"] * 100
    assert [call.attempt for call in origin.calls] == [1, 2]
    assert stack.names("bulkhead") == ["admitted"] * 2


async def test_the_leaders_deadline_does_not_end_the_shared_load() -> None:
    """Pitfall: leader's short deadline imposed on followers, also by the deadline defence inside."""
    stack, origin = whole(), Dependency(latency_s=0.5)
    call = stack.around(origin)
    results = await outcomes([call(operation(key="42", deadline_s=0.1)), call(operation(key="42", deadline_s=5.0))])
    assert results[1] == "reply"
    assert (len(origin.calls), origin.cancelled) == (1, 0)


async def test_an_abandoned_load_leaves_its_permit() -> None:
    """When the last waiter goes, the load's permit comes back though the load ran in a task of its own."""
    bulkhead = Bulkhead(BulkheadConfig(permits=1), context())
    stack = wrap((Coalescing(CoalescingConfig(), context()), bulkhead), Hanging())
    caller = asyncio.create_task(_await(stack, operation(key="42")))
    await settle()
    assert bulkhead._in_use == 1
    await cancel(caller)
    await settle()
    assert bulkhead._in_use == 0


async def _await(call: Proceed, asked: Operation) -> Any:
    return await call(asked)
