"""Cancellation through the stack: whoever leaves, at whatever moment, leaves nothing behind and says nothing."""

import asyncio
from random import Random
from typing import Any

import pytest

from rulezero.calls import wrap
from rulezero.defences import CATALOGUE
from rulezero.defences.bulkhead import Bulkhead, BulkheadConfig
from rulezero.defences.circuit_breaker import CircuitBreakerConfig, State
from rulezero.defences.coalescing import Coalescing, CoalescingConfig
from rulezero.defences.timeout import TimeoutConfig
from tests.composition.stacks import Stack, called, everything, whole
from tests.defences.fakes import (
    OPERATION,
    Dependency,
    Hanging,
    cancel,
    context,
    failed,
    found,
    now_s,
    operation,
    others,
    outcomes,
    settle,
)


async def test_a_timeout_is_a_failure_to_the_breaker_and_a_cancellation_is_not() -> None:
    """Both look the same from inside, where the call is cancelled either way."""
    for times_out in (True, False):
        stack = Stack(CircuitBreakerConfig(), TimeoutConfig(timeout_s=1.0))
        callers = [asyncio.create_task(called(stack.around(Hanging()), OPERATION)) for _ in range(20)]
        await asyncio.sleep(2.0 if times_out else 0.5)
        await cancel(*callers)
        assert stack.tellers["circuit_breaker"].states == ([0, 2] if times_out else [0])


@pytest.mark.parametrize("leaves_at_s", [0.0, 0.5, 1.05, 1.5])
@pytest.mark.parametrize("key", ["", "42"])
async def test_a_cancellation_goes_through_the_whole_stack(key: str, leaves_at_s: float) -> None:
    """In an attempt, in the pause, in the next: no permit and no task is left, and the breaker stays closed."""
    stack, hanging = whole(), Hanging()
    callers = [asyncio.create_task(called(stack.around(hanging), operation(key=key))) for _ in range(2)]
    await asyncio.sleep(leaves_at_s)
    await cancel(*callers)
    await settle()
    assert all(caller.cancelled() for caller in callers)
    assert (hanging.running, others()) == (0, set())
    assert stack.layers["bulkhead"]._in_use == 0
    assert stack.tellers["circuit_breaker"].states == [0]
    assert await outcomes(stack.around(Dependency(latency_s=0.1))(OPERATION) for _ in range(2)) == ["reply"] * 2


async def test_an_abandoned_load_leaves_its_permit() -> None:
    """When the last waiter goes, the load's permit comes back though the load ran in a task of its own."""
    bulkhead = Bulkhead(BulkheadConfig(permits=1), context())
    stack = wrap((Coalescing(CoalescingConfig(), context()), bulkhead), Hanging())
    caller = asyncio.create_task(called(stack, operation(key="42")))
    await settle()
    assert bulkhead._in_use == 1
    await cancel(caller)
    await settle()
    assert bulkhead._in_use == 0


# None; stale, as stale-while-revalidate, stale-if-error and a lease want it; fresh, and about to expire.
ENTRIES = [None, *(found(fresh_s=fresh_s, load_s=0.5) for fresh_s in (-1.0, -40.0, 0.01, 100.0))]


def all_on(seed: int) -> Stack:
    """Return every defence, with copies sent soon and a queue for permits, so that there is something to leave."""
    return everything(
        seed,
        retry={"jitter": "none", "base_s": 0.1},
        hedging={"delay_s": 0.05, "extra_load_max": 1.0},
        circuit_breaker={"volume_min": 1, "probes": 3, "open_s": 1.0, "probe_timeout_s": 100.0},
        bulkhead={"permits": 4, "queue_max": 10, "wait_s": 60.0},
        timeout={"timeout_s": 60.0},
    )


async def nothing_is_left(stack: Stack, message: str) -> None:
    """No task, permit, place in a queue, flight, lease or copy, once the renewals behind the callers are ended too."""
    await settle()
    await stack.background.close()
    await settle()
    bulkhead, coalescing, hedging = (stack.layers[name] for name in ("bulkhead", "coalescing", "hedging"))
    assert others() == set(), message
    assert (bulkhead._in_use, len(bulkhead._queue)) == (0, 0), message
    assert (coalescing._flights, coalescing._loads, hedging._losers) == ({}, set(), set()), message
    assert stack.shared.leases == {}, message


async def leave_at_random(stack: Stack, dependency: Dependency, random: Random) -> None:
    """Send calls over a second, and have every caller leave within another; some find an entry, fresh or stale."""

    async def caller() -> Any:
        await asyncio.sleep(random.choice([0.0, 0.25, 0.5, random.random()]))
        key = random.choice(["", "1", "2"])
        entry = random.choice(ENTRIES) if key else None
        deadline_s = random.choice([None, now_s() + 60])
        return await stack.around(dependency)(operation(key=key, entry=entry, ttl_s=10.0, deadline_s=deadline_s))

    callers = [asyncio.create_task(caller()) for _ in range(45)]
    for one in callers:
        at_s = random.choice([0.0, 0.25, 0.5, 2 * random.random()])
        asyncio.get_running_loop().call_later(at_s, one.cancel)
    await outcomes(callers)


@pytest.mark.parametrize("seed", range(20))
async def test_with_everything_on_random_cancellations_leave_nothing_behind(seed: int) -> None:
    """Nor does the breaker count them: it stays closed though one failure would open it."""
    stack, hanging = all_on(seed), Hanging()
    await leave_at_random(stack, hanging, Random(seed))
    await nothing_is_left(stack, f"seed {seed}")
    assert "served_stale" in stack.names("stale_while_revalidate"), f"seed {seed}"
    assert "refreshed" in stack.names("early_expiration"), f"seed {seed}"
    assert hanging.running == 0, f"seed {seed}"
    assert len(hanging.calls) == hanging.cancelled > 0, f"seed {seed}"
    assert stack.tellers["circuit_breaker"].states == [State.CLOSED], f"seed {seed}"
    assert stack.layers["circuit_breaker"]._machine._window.total.calls == 0, f"seed {seed}"
    assert await outcomes(stack.around(Dependency())(OPERATION) for _ in range(4)) == ["reply"] * 4, f"seed {seed}"


@pytest.mark.parametrize("seed", range(20))
async def test_cancelled_probes_come_back_through_everything(seed: int) -> None:
    """Half-open, callers that leave decide nothing, and as many probes as before can follow."""
    stack = all_on(seed)
    breaker: Any = stack.layers["circuit_breaker"]
    await outcomes([breaker(OPERATION, Dependency(failed()))])
    await asyncio.sleep(1.5)
    hanging = Hanging()
    await leave_at_random(stack, hanging, Random(seed))
    await nothing_is_left(stack, f"seed {seed}")
    assert 0 < hanging.running_max <= 3, f"seed {seed}"
    states = stack.tellers["circuit_breaker"].states
    assert states == [State.CLOSED, State.OPEN, State.HALF_OPEN], f"seed {seed}"
    assert breaker._machine._probes_out == {}, f"seed {seed}"
    await outcomes(breaker(OPERATION, Dependency()) for _ in range(3))
    assert states[-1] == State.CLOSED, f"seed {seed}"


@pytest.mark.parametrize("defence", CATALOGUE, ids=lambda defence: defence.name)
@pytest.mark.parametrize("leaves_at_s", [None, 0.0, 0.03])
async def test_each_defence_alone_leaves_nothing_behind(defence: type[Any], leaves_at_s: float | None) -> None:
    """With its default numbers; None: in the turn in which it was asked."""
    stack, hanging = Stack(defence.config_type()), Hanging()
    caller = asyncio.create_task(called(stack.around(hanging), operation(key="42", deadline_s=now_s() + 9.0)))
    if leaves_at_s is not None:
        await asyncio.sleep(leaves_at_s)
    await cancel(caller)
    await settle()
    assert caller.cancelled()
    assert (hanging.running, others(), stack.shared.leases) == (0, set(), {})
    assert await stack.around(Dependency())(operation(key="42")) == "reply"
