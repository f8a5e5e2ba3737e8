"""Refusals on this side: what each layer makes of another one's no."""

import asyncio

import pytest

from rulezero.defences.bulkhead import BulkheadConfig, BulkheadFull
from rulezero.defences.circuit_breaker import BreakerOpen, CircuitBreakerConfig
from rulezero.defences.retry import RetryConfig
from rulezero.outcome import Failed, Rejected
from tests.composition.stacks import Stack, called, whole
from tests.defences.fakes import OPERATION, Dependency, failed, now_s, outcomes, settle


async def test_an_open_breaker_ends_the_retries() -> None:
    """Pitfall: retry loops that sleep while the breaker is open. It opens on the first failure."""
    stack = Stack(RetryConfig(jitter="none", base_s=0.1, attempts_max=5), CircuitBreakerConfig(volume_min=1))
    dependency = Dependency(failed())
    with pytest.raises(Failed):
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


async def test_no_permit_is_held_during_a_pause() -> None:
    """Pitfall: permit held across retries and sleeps. While one call waits to retry, another has the only permit."""
    stack = Stack(RetryConfig(jitter="none", base_s=1.0), BulkheadConfig(permits=1))
    first = asyncio.create_task(called(stack.around(Dependency(failed(), "first")), OPERATION))
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
    probe = asyncio.create_task(called(stack.around(Dependency(latency_s=1.0)), OPERATION))
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
