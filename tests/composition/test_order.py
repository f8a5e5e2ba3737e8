"""The order of the layers, and what goes wrong in another one."""

import asyncio
from typing import Any

import pytest

from rulezero.defences import CATALOGUE
from rulezero.defences.bulkhead import BulkheadConfig, BulkheadFull
from rulezero.defences.circuit_breaker import BreakerOpen, CircuitBreakerConfig
from rulezero.defences.hedging import HedgingConfig
from rulezero.defences.retry import RetryConfig
from rulezero.defences.retry_budget import RetryBudgetConfig
from rulezero.defences.timeout import AttemptTimedOut, TimeoutConfig
from tests.composition.stacks import Stack, called, whole
from tests.defences.fakes import (
    OPERATION,
    Dependency,
    Hanging,
    cancel,
    context,
    failed,
    now_s,
    operation,
    outcomes,
)

RETRY = RetryConfig(jitter="none", base_s=0.1)
ORDER = {
    "admission": ["bounded_queue"],
    "cache": [
        "ttl_jitter",
        "stale_if_error",
        "stale_while_revalidate",
        "early_expiration",
        "coalescing",
        "lease",
    ],
    "delivery": ["bounded_stream"],
    "call": [
        "deadline",
        "retry",
        "hedging",
        "retry_budget",
        "adaptive_throttle",
        "circuit_breaker",
        "bulkhead",
        "timeout",
    ],
}


def test_the_order_of_the_catalogue() -> None:
    """Families from the outside in; loads are shared inside what renews them; retries see budget and breaker."""
    assert [(defence.family, defence.name) for defence in CATALOGUE] == [
        (family, name) for family, names in ORDER.items() for name in names
    ]


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


async def test_a_shared_load_is_retried_once_for_all() -> None:
    """A hundred callers and a failure that passes: two attempts, not two hundred, under one permit."""
    stack, origin = whole(), Dependency(failed(), "reply", latency_s=0.2)
    results = await outcomes(stack.around(origin)(operation(key="42", deadline_s=9.0)) for _ in range(100))
    assert results == ["reply"] * 100
    assert [call.attempt for call in origin.calls] == [1, 2]
    assert stack.names("bulkhead") == ["admitted"] * 2


def of_order(stack: Stack, one: str, other: str, *, swapped: bool) -> Stack:
    return stack.swapped(one, other) if swapped else stack


@pytest.mark.parametrize(("swapped", "attempts"), [(False, 3), (True, 9)])
async def test_a_breaker_inside_the_retries_counts_attempts(swapped: bool, attempts: int) -> None:  # noqa: FBT001 - a test's parameter.
    """Swapped, it sees one failure where three were, and its dependency takes three times as much before it opens."""
    stack = of_order(Stack(RETRY, CircuitBreakerConfig(volume_min=3)), "retry", "circuit_breaker", swapped=swapped)
    dependency = Dependency(failed())
    while stack.tellers["circuit_breaker"].states == [0]:
        await outcomes([stack.around(dependency)(OPERATION)])
    assert len(dependency.calls) == attempts


@pytest.mark.parametrize(("swapped", "attempts"), [(False, 120), (True, 300)])
async def test_a_budget_inside_the_retries_bounds_them(swapped: bool, attempts: int) -> None:  # noqa: FBT001 - as above.
    """Swapped, it sees first attempts only: whatever fails is asked three times."""
    budget = RetryBudgetConfig(ratio=0.2, reserve_per_s=0.0, ttl_s=100.0)
    stack = of_order(Stack(RETRY, budget), "retry", "retry_budget", swapped=swapped)
    dependency = Dependency(*(failed() for _ in range(300)))  # The budget writes on them.
    for _ in range(100):
        await outcomes([stack.around(dependency)(OPERATION)])
    assert len(dependency.calls) == attempts


@pytest.mark.parametrize(("swapped", "copies"), [(False, 10), (True, 100)])
async def test_a_budget_inside_the_hedging_pays_for_copies(swapped: bool, copies: int) -> None:  # noqa: FBT001 - as above.
    """Swapped, only hedging's own, wider budget holds."""
    configs = HedgingConfig(delay_s=0.1, extra_load_max=1.0), RetryBudgetConfig(ratio=0.1, reserve_per_s=0.0)
    stack = of_order(Stack(*configs), "hedging", "retry_budget", swapped=swapped)
    dependency = Dependency(latency_s=0.2)
    await outcomes(stack.around(dependency)(OPERATION) for _ in range(100))
    assert sum(call.hedge for call in dependency.calls) == copies


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_bulkhead_inside_the_retries_is_free_during_pauses(swapped: bool) -> None:  # noqa: FBT001 - as above.
    """Swapped, whoever pauses holds its permit, and who could be served is refused."""
    configs = RetryConfig(jitter="none", base_s=1.0), BulkheadConfig(permits=1)
    stack = of_order(Stack(*configs), "retry", "bulkhead", swapped=swapped)
    pausing = asyncio.create_task(called(stack.around(Dependency(failed(), "late")), OPERATION))
    await asyncio.sleep(0.5)
    (result,) = await outcomes([stack.around(Dependency("prompt"))(OPERATION)])
    assert isinstance(result, BulkheadFull) if swapped else result == "prompt"
    assert await pausing == "late"


@pytest.mark.parametrize("swapped", [False, True])
async def test_an_open_breaker_refuses_before_anyone_queues_for_a_permit(swapped: bool) -> None:  # noqa: FBT001 - as above.
    """Swapped, callers wait for a permit only to be told that the breaker is open."""
    configs = CircuitBreakerConfig(volume_min=1, open_s=9.0), BulkheadConfig(permits=1, queue_max=9, wait_s=9.0)
    stack = of_order(Stack(*configs), "circuit_breaker", "bulkhead", swapped=swapped)
    hanging = asyncio.create_task(called(stack.around(Hanging()), OPERATION))
    await outcomes([stack.layers["circuit_breaker"](OPERATION, Dependency(failed()))])
    start_s = now_s()
    waiting = asyncio.create_task(called(stack.around(Dependency()), OPERATION))
    await asyncio.sleep(2.0)
    assert waiting.done() is not swapped
    await cancel(hanging)
    with pytest.raises(BreakerOpen):
        await waiting
    assert now_s() - start_s == 2.0


@pytest.mark.parametrize(("swapped", "attempts"), [(False, 3), (True, 1)])
async def test_a_timeout_inside_the_retries_is_one_per_attempt(swapped: bool, attempts: int) -> None:  # noqa: FBT001 - as above.
    """Swapped, the first attempt that hangs uses up the time of all."""
    stack = of_order(Stack(RETRY, TimeoutConfig(timeout_s=1.0)), "retry", "timeout", swapped=swapped)
    hanging = Hanging()
    with pytest.raises(AttemptTimedOut):
        await stack.around(hanging)(OPERATION)
    assert len(hanging.calls) == attempts
