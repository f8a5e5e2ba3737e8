import asyncio
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulezero.calls import Operation, Proceed
from rulezero.defences.bulkhead import Bulkhead, BulkheadConfig, BulkheadFull
from rulezero.outcome import Failed
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
from tests.virtual_time import run_virtual

SEED = 1


def bulkhead(teller: RecordingTeller | None = None, **numbers: Any) -> Bulkhead:
    return Bulkhead(BulkheadConfig(**numbers), context(teller))


async def test_no_more_calls_run_than_there_are_permits() -> None:
    """The others are refused at once, without being sent."""
    teller, dependency = RecordingTeller(), Dependency(latency_s=1.0)
    layer = bulkhead(teller, permits=3)
    results = await outcomes(layer(OPERATION, dependency) for _ in range(5))
    assert [type(result) for result in results] == [str, str, str, BulkheadFull, BulkheadFull]
    assert (len(dependency.calls), dependency.running_max) == (3, 3)
    assert teller.names == ["admitted"] * 3 + ["rejected"] * 2


async def test_the_permits_in_use_are_told() -> None:
    """From the start, whenever asked, and back to none."""
    teller = RecordingTeller()
    layer = bulkhead(teller, permits=3)
    seen = [teller.in_use]
    calls = [asyncio.create_task(layer(OPERATION, Dependency(latency_s=length_s))) for length_s in (1.0, 2.0)]
    for _ in range(3):
        await asyncio.sleep(0.8)
        seen.append(teller.in_use)
    await outcomes(calls)
    assert (teller.limit, seen) == (3, [0, 2, 1, 0])


async def test_a_failure_gives_the_permit_back() -> None:
    """As a reply does; the error passes unchanged."""
    layer, error = bulkhead(permits=1), failed()
    for _ in range(3):
        with pytest.raises(Failed) as caught:
            await layer(OPERATION, Dependency(error))
        assert caught.value is error


async def test_those_who_wait_are_served_in_order() -> None:
    """First come, first served, and a newcomer does not jump the queue when a permit comes free."""
    layer = bulkhead(permits=1, queue_max=10, wait_s=60.0)
    served: list[str] = []

    async def note(asked: Operation) -> None:
        served.append(asked.key)
        await asyncio.sleep(1)

    async def newcomer() -> None:
        await asyncio.sleep(1)
        await layer(operation(key="newcomer"), note)

    await asyncio.gather(*(layer(operation(key=str(number)), note) for number in range(4)), newcomer())
    assert served == ["0", "1", "2", "3", "newcomer"]


async def test_the_queue_is_bounded_in_length() -> None:
    """Pitfall: waiting queue unbounded. One runs, two wait, the rest are refused at once."""
    layer, dependency = bulkhead(permits=1, queue_max=2, wait_s=60.0), Dependency(latency_s=1.0)
    calls = [asyncio.create_task(layer(OPERATION, dependency)) for _ in range(6)]
    await settle()
    assert [call.done() for call in calls] == [False] * 3 + [True] * 3
    results = await outcomes(calls)
    assert [type(result) for result in results] == [str] * 3 + [BulkheadFull] * 3
    assert dependency.called_at_s == pytest.approx([0.0, 1.0, 2.0])


async def test_the_queue_is_bounded_in_time() -> None:
    """Pitfall: waiting without end. After `wait_s` the call is refused, not sent."""
    layer, hanging = bulkhead(permits=1, queue_max=5, wait_s=0.2), Hanging()
    holder = asyncio.create_task(layer(OPERATION, hanging))
    await settle()
    with pytest.raises(BulkheadFull):
        await layer(OPERATION, hanging)
    assert now_s() == pytest.approx(0.2)
    assert len(hanging.calls) == 1
    await cancel(holder)
    assert await layer(OPERATION, Dependency()) == "reply"


@pytest.mark.parametrize("numbers", [{"queue_max": 5}, {"wait_s": 5.0}])
async def test_a_queue_needs_length_and_time(numbers: dict[str, Any]) -> None:
    """With either at nothing, a full bulkhead refuses at once."""
    layer = bulkhead(permits=1, **numbers)
    holder = asyncio.create_task(layer(OPERATION, Hanging()))
    await settle()
    with pytest.raises(BulkheadFull):
        await layer(OPERATION, Dependency())
    assert now_s() == 0
    await cancel(holder)


async def test_nobody_waits_beyond_the_deadline() -> None:
    """Whatever `wait_s` allows; and with the deadline past it does not even begin."""
    layer, dependency = bulkhead(permits=1, queue_max=5, wait_s=60.0), Dependency(latency_s=1.0)
    asked = [operation(key=str(deadline_s), deadline_s=deadline_s) for deadline_s in (None, 0.5, 9.0, -1.0)]
    results = await outcomes(layer(one, dependency) for one in asked)
    assert [type(result) for result in results] == [str, BulkheadFull, str, BulkheadFull]
    assert [call.key for call in dependency.calls] == ["None", "9.0"]


async def test_a_permit_that_comes_too_late_is_passed_on() -> None:
    """Pitfall: the deadline not checked again after a queue. Served at its very deadline, a call is not sent."""
    layer, dependency = bulkhead(permits=1, queue_max=5, wait_s=60.0), Dependency(latency_s=1.0)
    asked = [operation(key=str(deadline_s), deadline_s=deadline_s) for deadline_s in (None, 1.0, 9.0)]
    results = await outcomes(layer(one, dependency) for one in asked)
    assert [type(result) for result in results] == [str, BulkheadFull, str]
    assert [call.key for call in dependency.calls] == ["None", "9.0"]
    assert dependency.called_at_s == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize("handed_over", [False, True])
async def test_a_waiter_that_leaves_takes_no_permit_with_it(*, handed_over: bool) -> None:
    """Pitfall: permits not released on cancel before acquire returns: while it waits, and as it is being served."""
    teller, dependency = RecordingTeller(), Dependency()
    layer = bulkhead(teller, permits=1, queue_max=5, wait_s=60.0)
    holder = asyncio.create_task(layer(OPERATION, Hanging()))
    await settle()
    leaver = asyncio.create_task(layer(OPERATION, dependency))
    stayer = asyncio.create_task(layer(OPERATION, dependency))
    await settle()
    if handed_over:
        layer._queue[0].add_done_callback(lambda _: leaver.cancel())  # After the hand-over, before the leaver wakes.
        holder.cancel()
    else:
        await cancel(leaver)
        holder.cancel()
    assert await stayer == "reply"
    await settle()
    assert leaver.cancelled()
    assert len(dependency.calls) == 1
    assert teller.in_use == 0


async def test_a_permit_is_not_lost_when_the_running_call_is_cancelled() -> None:
    """Pitfall: permits not released on cancel: it goes to the next who waits."""
    layer, hanging = bulkhead(permits=1, queue_max=1, wait_s=60.0), Hanging()
    holder = asyncio.create_task(layer(OPERATION, hanging))
    await settle()
    waiter = asyncio.create_task(layer(OPERATION, Dependency()))
    await cancel(holder)
    assert await waiter == "reply"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), permits=st.integers(1, 4), queue_max=st.integers(0, 6), wait_s=st.floats(0, 2))
def test_permits_never_leak_under_random_cancellation(seed: int, permits: int, queue_max: int, wait_s: float) -> None:
    """Whoever leaves when: never more run or wait than allowed, and in the end all permits are free and usable."""

    async def scenario() -> None:
        random, teller, dependency = Random(seed), RecordingTeller(), Dependency()
        layer = bulkhead(teller, permits=permits, queue_max=queue_max, wait_s=wait_s)

        async def work(asked: Operation) -> Any:
            await asyncio.sleep(random.choice([0, 0.5, 1.0]))
            return await dependency(asked)

        async def visitor() -> None:
            await asyncio.sleep(random.choice([0, 0.5, 1.0, 1.5]))
            await layer(OPERATION, work)

        visitors = [asyncio.create_task(visitor()) for _ in range(30)]
        for one in random.sample(visitors, 15):
            # Multiples of half a second, so that cancellations meet releases and arrivals in one turn of the loop.
            asyncio.get_running_loop().call_later(random.choice([0, 0.5, 1.0, 1.5]), one.cancel)
        while not all(one.done() for one in visitors):
            assert len(layer._queue) <= queue_max
            assert teller.in_use <= permits
            await asyncio.sleep(0.25)
        await outcomes(visitors)
        assert (layer._in_use, len(layer._queue)) == (0, 0)
        assert await outcomes(layer(OPERATION, Dependency(latency_s=1)) for _ in range(permits)) == ["reply"] * permits

    run_virtual(scenario())


def pooled(size: int, inner: Proceed) -> Proceed:
    """Return calls that hold one of `size` connections or fail."""
    in_use = 0

    async def call(asked: Operation) -> Any:
        nonlocal in_use
        if in_use == size:
            raise Failed("pool exhausted")
        in_use += 1
        try:
            return await inner(asked)
        finally:
            in_use -= 1

    return call


async def shop(*, with_bulkhead: bool) -> tuple[list[tuple[float, bool]], list[Any]]:
    """Offer 200 calls/s for 10 s to a shared pool of 100; one in ten hangs for 30 s.

    Returns for each healthy call when it came and whether it was served, and the replies and errors of the others.
    """
    random, calls = Random(SEED), list[tuple[float, str, asyncio.Task[Any]]]()

    async def dependency(asked: Operation) -> str:
        await asyncio.sleep(30 if asked.key == "bad" else 0.05)
        return "reply"

    pool = pooled(100, dependency)
    layer = bulkhead(permits=20)

    async def call(asked: Operation) -> Any:
        return await (layer(asked, pool) if with_bulkhead and asked.key == "bad" else pool(asked))

    for _ in range(2000):
        key = "bad" if random.random() < 0.1 else "healthy"
        calls.append((now_s(), key, asyncio.create_task(call(operation(key=key)))))
        await asyncio.sleep(random.expovariate(200))
    results = await outcomes(task for _, _, task in calls)
    ended = [(at_s, key, result) for (at_s, key, _), result in zip(calls, results, strict=True)]
    return (
        [(at_s, result == "reply") for at_s, key, result in ended if key == "healthy"],
        [result for _, key, result in ended if key == "bad"],
    )


async def test_without_a_bulkhead_a_hanging_dependency_takes_the_shared_pool() -> None:
    """20 calls/s that hang fill a pool of 100 in about 5 s; soon after no healthy call is served."""
    healthy, _ = await shop(with_bulkhead=False)
    first_failure_s = min(at_s for at_s, ok in healthy if not ok)
    assert 3 <= first_failure_s <= 6, f"seed {SEED}"
    assert not any(ok for at_s, ok in healthy if at_s > first_failure_s + 2), f"seed {SEED}"


async def test_with_a_bulkhead_only_the_hanging_route_fails() -> None:
    """It holds its 20 permits and no more, so that every healthy call is served."""
    healthy, bad = await shop(with_bulkhead=True)
    assert all(ok for _, ok in healthy), f"seed {SEED}"
    assert bad.count("reply") == 20, f"seed {SEED}"
    assert sum(isinstance(result, BulkheadFull) for result in bad) == len(bad) - 20, f"seed {SEED}"


@pytest.mark.parametrize(("pool_size", "served"), [(40, 20), (20, 0)])
async def test_permits_beyond_the_shared_pool_protect_no_one(pool_size: int, served: int) -> None:
    """Pitfalls: a hidden pool shared under separate bulkheads; bulkheads that add up to more than the capacity.

    Two bulkheads of 20 over one pool: with 40 connections the healthy one keeps its 20; with 20 it gets none, although
    its own bulkhead admits every call.
    """
    pool = pooled(pool_size, lambda asked: (Hanging() if asked.key == "bad" else Dependency(latency_s=1))(asked))
    bad, healthy = bulkhead(permits=20), bulkhead(permits=20)
    hung = [asyncio.create_task(bad(operation(key="bad"), pool)) for _ in range(30)]
    await settle()
    results = await outcomes(healthy(OPERATION, pool) for _ in range(20))
    assert results.count("reply") == served
    assert not any(isinstance(result, BulkheadFull) for result in results)
    await cancel(*hung)


@pytest.mark.parametrize("numbers", [{"permits": 0}, {"queue_max": -1}, {"wait_s": -0.1}, {"wait_s": float("nan")}])
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any]) -> None:
    """No permits at all is not a bulkhead."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(numbers))):
        msgspec.convert(numbers, BulkheadConfig)
