"""Seven checks that any library of defences should pass, and most known ones fail in part."""

import ast
import asyncio
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import get_args, get_type_hints

import pytest

import rulezero.defences
from rulezero.defences.adaptive_throttle import AdaptiveThrottle, AdaptiveThrottleConfig
from rulezero.defences.bulkhead import Bulkhead, BulkheadConfig
from rulezero.defences.circuit_breaker import BreakerOpen, CircuitBreaker, CircuitBreakerConfig
from rulezero.defences.coalescing import Coalescing, CoalescingConfig
from rulezero.defences.deadline import Deadline, DeadlineConfig, DeadlineTimedOut
from rulezero.defences.early_expiration import EarlyExpiration, EarlyExpirationConfig
from rulezero.defences.hedging import Hedging, HedgingConfig
from rulezero.defences.lease import Lease, LeaseConfig
from rulezero.defences.retry import Retry, RetryConfig, delay_s
from rulezero.defences.retry_budget import RetryBudget, RetryBudgetConfig
from rulezero.defences.stale_if_error import StaleIfError, StaleIfErrorConfig
from rulezero.defences.stale_while_revalidate import StaleWhileRevalidate, StaleWhileRevalidateConfig
from rulezero.defences.timeout import Timeout, TimeoutConfig
from rulezero.defences.ttl_jitter import TtlJitter, TtlJitterConfig
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
    outcomes,
    settle,
)
from tests.shared_cache import FakeCache

DEFENCE_FILES = sorted(Path(rulezero.defences.__file__).parent.glob("*.py"))
JITTERED = [jitter for jitter in get_args(get_type_hints(RetryConfig)["jitter"]) if jitter != "none"]


async def opened(teller: RecordingTeller | None = None) -> CircuitBreaker:
    layer = CircuitBreaker(CircuitBreakerConfig(open_s=1.0, probes=3), context(teller))
    await outcomes(layer(OPERATION, Dependency(failed())) for _ in range(20))
    return layer


async def test_1_after_the_open_period_fifty_callers_are_at_most_k_probes() -> None:
    """Half-open stampede: three go through together, 47 are refused at once."""
    layer, dependency = await opened(), Dependency(latency_s=1.0)
    await asyncio.sleep(2)
    results = await outcomes(layer(OPERATION, dependency) for _ in range(50))
    assert Counter(type(result) for result in results) == {str: 3, BreakerOpen: 47}
    assert dependency.running_max == 3


async def test_2_twenty_cancels_leave_a_closed_breaker_closed() -> None:
    """Callers that leave say nothing about the dependency."""
    teller = RecordingTeller()
    layer, hanging = CircuitBreaker(CircuitBreakerConfig(), context(teller)), Hanging()
    callers = [asyncio.create_task(layer(OPERATION, hanging)) for _ in range(20)]
    await settle()
    await cancel(*callers)
    assert hanging.cancelled == 20
    assert await layer(OPERATION, Dependency()) == "reply"
    assert teller.states == [0]


async def test_3_a_cancelled_probe_neither_closes_nor_opens() -> None:
    """It gives its permit back: the same number of probes as before can follow, and they decide."""
    teller = RecordingTeller()
    layer, hanging = await opened(teller), Hanging()
    await asyncio.sleep(2)
    for _ in range(5):
        probes = [asyncio.create_task(layer(OPERATION, hanging)) for _ in range(3)]
        await settle()
        await cancel(*probes)
        assert teller.states == [0, 2, 1]
    assert hanging.cancelled == 15
    assert await outcomes(layer(OPERATION, Dependency()) for _ in range(3)) == ["reply"] * 3
    assert teller.states == [0, 2, 1, 0]


async def test_4_parallel_calls_stay_parallel() -> None:
    """Eight calls of 0.2 s take 0.2 s through each of the defences."""
    layers = (
        TtlJitter(TtlJitterConfig(), context()),
        StaleIfError(StaleIfErrorConfig(), context()),
        StaleWhileRevalidate(StaleWhileRevalidateConfig(), context()),
        EarlyExpiration(EarlyExpirationConfig(), context()),
        Coalescing(CoalescingConfig(), context()),
        Lease(LeaseConfig(), context(shared=FakeCache())),
        Deadline(DeadlineConfig(), context()),
        Retry(RetryConfig(), context()),
        Hedging(HedgingConfig(delay_s=1.0), context()),
        RetryBudget(RetryBudgetConfig(), context()),
        AdaptiveThrottle(AdaptiveThrottleConfig(), context()),
        CircuitBreaker(CircuitBreakerConfig(), context()),
        Bulkhead(BulkheadConfig(), context()),
        Timeout(TimeoutConfig(), context()),
    )
    for layer in layers:
        dependency, start_s = Dependency(latency_s=0.2), now_s()
        calls = [operation(deadline_s=start_s + 9, key=str(number)) for number in range(8)]
        assert await outcomes(layer(call, dependency) for call in calls) == ["reply"] * 8
        assert dependency.running_max == 8, layer.name
        assert now_s() - start_s == pytest.approx(0.2), layer.name


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_5_the_wall_clock_changes_nothing(jump_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour forwards or back opens, closes, expires and retries nothing before its time."""
    teller = RecordingTeller()
    breaker, dependency = await opened(teller), Dependency(failed(), "reply")
    deadline = Deadline(DeadlineConfig(), context())
    retry = Retry(RetryConfig(base_s=1.0, jitter="none"), context())
    hanging = asyncio.create_task(deadline(operation(deadline_s=0.5), Hanging()))
    retried = asyncio.create_task(retry(OPERATION, dependency))
    await settle()
    wall_s = time.time
    monkeypatch.setattr(time, "time", lambda: wall_s() + jump_s)
    monkeypatch.setattr(time, "time_ns", lambda: int((wall_s() + jump_s) * 1e9))
    with pytest.raises(BreakerOpen):
        await breaker(OPERATION, Dependency())
    await asyncio.sleep(0.4)
    assert not hanging.done()
    with pytest.raises(DeadlineTimedOut):
        await hanging
    assert now_s() == pytest.approx(0.5)
    assert await retried == "reply"
    assert dependency.called_at_s == pytest.approx([0.0, 1.0])
    await asyncio.sleep(0.3)
    assert await breaker(OPERATION, Dependency()) == "reply"
    assert teller.states == [0, 2, 1]


@pytest.mark.parametrize("path", DEFENCE_FILES, ids=lambda path: path.name)
def test_5_no_defence_knows_a_clock_of_its_own(path: Path) -> None:
    """All time is the event loop's."""
    for node in ast.walk(ast.parse(path.read_text())):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {"time", "datetime"} & set(imported)


@pytest.mark.parametrize("leaver", [0, 5])
async def test_6_a_leader_or_follower_that_leaves_takes_nothing_from_the_others(leaver: int) -> None:
    """Nine of ten waiters keep their reply, from the one load."""
    layer, origin = Coalescing(CoalescingConfig(), context()), Dependency(latency_s=1.0)
    callers = [asyncio.create_task(layer(operation(key="hot"), origin)) for _ in range(10)]
    await settle()
    await cancel(callers[leaver])
    results = await outcomes(callers)
    assert results.count("reply") == 9
    assert isinstance(results[leaver], asyncio.CancelledError)
    assert len(origin.calls) == 1


@pytest.mark.parametrize("jitter", JITTERED)
def test_7_delays_at_the_cap_still_vary(jitter: str) -> None:
    """Pitfall: clamp after adding jitter. Of late delays, no two agree and few lie at the cap itself."""
    config = RetryConfig(base_s=0.1, cap_s=5.0, jitter=jitter)  # type: ignore[arg-type]  # One of the literal's values.
    random, delays, previous_s = Random(7), list[float](), 5.0
    for attempt in range(10, 110):
        previous_s = delay_s(min(attempt, 50), previous_s, config, random)
        delays.append(previous_s)
    assert len(set(delays)) == 100, "seed 7"
    assert sum(delay > 0.99 * 5.0 for delay in delays) < 10, "seed 7"
    assert max(delays) <= 5.0, "seed 7"
