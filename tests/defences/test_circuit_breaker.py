import asyncio
from typing import Any

import msgspec
import pytest

from rulezero.calls import Operation
from rulezero.defences.circuit_breaker import BreakerOpen, CircuitBreaker, CircuitBreakerConfig
from rulezero.outcome import Failed, NotSent, Rejected, TimedOut
from tests.defences.fakes import (
    OPERATION,
    Dependency,
    Hanging,
    RecordingTeller,
    cancel,
    context,
    failed,
    now_s,
    outcomes,
    settle,
)


def breaker(teller: RecordingTeller | None = None, **numbers: Any) -> CircuitBreaker:
    return CircuitBreaker(CircuitBreakerConfig(**numbers), context(teller))


async def trip(layer: CircuitBreaker) -> None:
    await outcomes(layer(OPERATION, Dependency(failed())) for _ in range(20))


async def test_open_it_refuses_without_calling() -> None:
    """The error is a definite non-event, and says when it would be worth asking again."""
    layer, dependency = breaker(), Dependency()
    await trip(layer)
    with pytest.raises(BreakerOpen, match="payment") as caught:
        await layer(OPERATION, dependency)
    assert dependency.calls == []
    assert 0.8 <= (caught.value.retry_after_s or 0) <= 1.2


async def test_each_change_is_told_once_in_order() -> None:
    """The gauge is set from the start; decisions name the changes and how each call was let through."""
    teller = RecordingTeller()
    layer = breaker(teller)
    await trip(layer)
    with pytest.raises(BreakerOpen):
        await layer(OPERATION, Dependency())
    await asyncio.sleep(2)
    for _ in range(4):
        await layer(OPERATION, Dependency())
    assert teller.states == [0, 2, 1, 0]
    assert teller.names == [
        *["allowed"] * 20,
        "opened",
        "rejected",
        "half_opened",
        *["probe"] * 3,
        "closed",
        "allowed",
    ]


async def test_a_reply_and_an_error_pass_unchanged() -> None:
    """The breaker looks, and alters nothing."""
    error = failed()
    assert await breaker()(OPERATION, Dependency("reply")) == "reply"
    with pytest.raises(Failed) as caught:
        await breaker()(OPERATION, Dependency(error))
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Failed("500"), 2),
        (TimedOut("slow"), 2),
        (ConnectionResetError(), 2),
        (Rejected("429"), 0),
        (NotSent("bulkhead full"), 0),
        (asyncio.CancelledError(), 0),
    ],
)
async def test_each_outcome_counts_as_what_it_is(error: BaseException, state: int) -> None:
    """Only failures and timeouts speak against the callee."""
    teller = RecordingTeller()
    layer = breaker(teller)
    for _ in range(20):
        with pytest.raises(type(error)):
            await layer(OPERATION, Dependency(error))
    assert teller.states[-1] == state


async def test_overload_is_a_signal_of_its_own() -> None:
    """It is counted apart, and not as sickness."""
    teller = RecordingTeller()
    with pytest.raises(Rejected):
        await breaker(teller)(OPERATION, Dependency(Rejected("429")))
    assert teller.names == ["allowed", "overloaded"]


async def test_a_call_that_is_dropped_unfinished_counts_nothing() -> None:
    """A coroutine that is closed, not cancelled, gives its probe back too."""
    layer = breaker(probes=1)
    await trip(layer)
    await asyncio.sleep(2)
    call = layer(OPERATION, Hanging())
    call.send(None)
    with pytest.raises(BreakerOpen):
        await layer(OPERATION, Dependency())
    call.close()
    assert await layer(OPERATION, Dependency()) == "reply"


async def test_no_lock_is_held_during_a_call() -> None:
    """Pitfall: lock held during the call. Eight calls of 0.2 s take 0.2 s together; so do a breaker's probes."""
    for probes in (0, 3):
        layer, dependency = breaker(), Dependency(latency_s=0.2)
        if probes:
            await trip(layer)
            await asyncio.sleep(2)
        start_s = now_s()
        assert await outcomes(layer(OPERATION, dependency) for _ in range(probes or 8)) == ["reply"] * (probes or 8)
        assert now_s() - start_s == pytest.approx(0.2)


async def test_a_hung_probe_is_replaced_by_a_decision() -> None:
    """Pitfall: hung probes. Later callers are refused by an open breaker, not by a stuck half-open one."""
    teller = RecordingTeller()
    layer, hanging = breaker(teller, probe_timeout_s=5.0), Hanging()
    await trip(layer)
    await asyncio.sleep(2)
    probes = [asyncio.create_task(layer(OPERATION, hanging)) for _ in range(3)]
    await asyncio.sleep(5)
    with pytest.raises(BreakerOpen):
        await layer(OPERATION, Dependency())
    assert teller.states == [0, 2, 1, 2]
    await asyncio.sleep(3)
    for _ in range(3):
        assert await layer(OPERATION, Dependency()) == "reply"
    await cancel(*probes)
    await settle()
    assert teller.states == [0, 2, 1, 2, 1, 0]


async def test_one_breaker_over_shards_turns_a_part_into_the_whole() -> None:
    """Pitfall: one breaker over shards. One of two is dead: one breaker refuses all, a breaker each just half."""

    async def shard(asked: Operation) -> str:
        if asked.key == "dead":
            raise failed()
        return "reply"

    def share_served(results: list[Any]) -> float:
        return results.count("reply") / len(results)

    asked = [Operation(name="get", dependency=key, key=key) for _ in range(50) for key in ("dead", "alive")]
    shared, apart = breaker(), {"dead": breaker(), "alive": breaker()}
    for one in asked:
        await outcomes([shared(one, shard), apart[one.key](one, shard)])
    assert share_served(await outcomes(shared(one, shard) for one in asked)) == 0
    assert share_served(await outcomes(apart[one.key](one, shard) for one in asked)) == 0.5


async def test_load_on_a_dead_dependency_is_a_few_probes() -> None:
    """A minute of 100 calls a second leaves it some tens of probes, and callers wait for nothing."""
    layer, dependency = breaker(), Dependency(failed())
    for _ in range(6000):
        await outcomes([layer(OPERATION, dependency)])
        await asyncio.sleep(0.01)
    assert 20 < len(dependency.calls) <= 20 + 3 * 12


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"open_s": 20.0}, "open_s"),
        ({"failure_rate": 0.0}, "failure_rate"),
        ({"failure_rate": 1.1}, "failure_rate"),
        ({"probes": 0}, "probes"),
        ({"volume_min": 0}, "volume_min"),
        ({"buckets": 0}, "buckets"),
        ({"slow_call_s": 0.0}, "slow_call_s"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any], key: str) -> None:
    """Each alone, and the two opening times together."""
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert(numbers, CircuitBreakerConfig)
