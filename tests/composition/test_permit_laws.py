"""Permits: never more taken than there are, none lost, none made, whoever leaves in whichever turn of the loop."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.bulkhead import Bulkhead, BulkheadConfig, BulkheadFull
from rulezero.outcome import Failed
from rulezero.service.slots import Slots
from tests.composition.crowd import LAW, STEPS, Crowd, Inside, Step
from tests.counters import Change
from tests.defences.fakes import OPERATION, Dependency, RecordingTeller, context, others, outcomes, settle
from tests.virtual_time import run_virtual

LIMITS = st.integers(1, 3)


@LAW
@given(limit=LIMITS, steps=STEPS, resting=st.booleans())
def test_slots_are_never_lost_or_made_and_come_in_turn(limit: int, steps: list[Step], *, resting: bool) -> None:
    """Never more inside than the limit; and when all settles after each step, nobody waits beside a free slot.

    Within one turn a newcomer may walk in before one who has been given a slot already, and has not noticed yet.
    """

    async def scenario() -> None:
        slots, in_use = Slots(limit, resource="laws"), Change("concurrency_in_use", resource="laws")

        async def through(_: int, inside: Inside) -> Any:
            taken_s = await slots.acquire()
            try:
                return await inside(OPERATION)
            finally:
                slots.release(taken_s)

        crowd = Crowd(through)

        def check() -> None:
            assert len(crowd.inside) <= limit
            assert 0 <= slots._free <= limit
            assert not (slots._free and slots._line)
            if resting:
                assert len(crowd.inside) == limit or not crowd.waiting
                assert slots.waiting == len(crowd.waiting)

        await crowd.follow(steps, check, resting=resting)
        assert not resting or crowd.entered == sorted(crowd.entered)
        ends = await outcomes(crowd.callers)
        assert all(isinstance(end, str | Failed | asyncio.CancelledError) for end in ends)
        assert (slots._free, slots.waiting, in_use(), others()) == (limit, 0, 0, set())
        await _all_can_be_taken_at_once(slots, limit)

    run_virtual(scenario())


async def _all_can_be_taken_at_once(slots: Slots, limit: int) -> None:
    takers = [asyncio.create_task(slots.acquire()) for _ in range(limit + 1)]
    await settle()
    assert [taker.done() for taker in takers] == [True] * limit + [False]
    for taker in takers:
        slots.release(await taker)


@LAW
@given(
    permits=LIMITS,
    queue_max=st.integers(0, 4),
    wait_s=st.sampled_from([0.0, 0.5, 1.0, 60.0]),
    steps=STEPS,
    resting=st.booleans(),
)
def test_permits_of_a_bulkhead_are_never_lost_or_made_and_come_in_turn(
    permits: int, queue_max: int, wait_s: float, steps: list[Step], *, resting: bool
) -> None:
    """Nor does the queue grow beyond its bound, nor is anybody refused without being told apart from failures."""

    async def scenario() -> None:
        teller = RecordingTeller()
        config = BulkheadConfig(permits=permits, queue_max=queue_max, wait_s=wait_s)
        bulkhead = Bulkhead(config, context(teller))
        crowd = Crowd(lambda _, inside: bulkhead(OPERATION, inside))

        def check() -> None:
            assert len(crowd.inside) <= bulkhead._in_use <= permits
            assert len(bulkhead._queue) <= queue_max
            assert bulkhead._in_use == permits or not bulkhead._queue

        await crowd.follow(steps, check, resting=resting)
        assert not resting or crowd.entered == sorted(crowd.entered)
        ends = await outcomes(crowd.callers)
        assert all(isinstance(end, str | Failed | BulkheadFull | asyncio.CancelledError) for end in ends)
        assert teller.names.count("rejected") == sum(isinstance(end, BulkheadFull) for end in ends)
        assert (bulkhead._in_use, len(bulkhead._queue), others()) == (0, 0, set())
        usable = await outcomes(bulkhead(OPERATION, Dependency(latency_s=1.0)) for _ in range(permits))
        assert usable == ["reply"] * permits

    run_virtual(scenario())
