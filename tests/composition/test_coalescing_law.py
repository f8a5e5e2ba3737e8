"""A coalesced load runs once per flight, and nobody pays for somebody else's leaving."""

import asyncio
from collections import defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rulezero.calls import Operation
from rulezero.defences.coalescing import Coalescing, CoalescingConfig
from tests.composition.crowd import LAW, STEPS, Crowd, Inside, Step
from tests.defences.fakes import RecordingTeller, context, failed, operation, others
from tests.virtual_time import run_virtual


@LAW
@given(keys=st.integers(1, 3), steps=STEPS)
def test_a_load_runs_once_per_flight(keys: int, steps: list[Step]) -> None:
    """At no time two loads of one key, but for one that everybody has left; who stays gets what one of them brought."""

    async def scenario() -> None:
        teller = RecordingTeller()
        coalescing = Coalescing(CoalescingConfig(load_timeout_s=3600.0), context(teller))
        running: dict[int, set[asyncio.Task[Any]]] = defaultdict(set)
        together, came, ended = list[int](), dict[int, int](), dict[int, int]()
        clock = iter(range(1_000_000))

        async def through(number: int, inside: Inside) -> Any:
            key = number % keys

            async def load(asked: Operation) -> Any:
                task = asyncio.current_task()
                assert task is not None
                together.append(sum(not one.cancelling() for one in running[key]))
                running[key].add(task)
                try:
                    return await inside(asked)
                finally:
                    running[key].discard(task)
                    ended[number] = next(clock)

            came[number] = next(clock)
            return await coalescing(operation(key=str(key)), load)

        crowd = Crowd(through)
        await crowd.follow(steps, lambda: None)
        assert set(together) <= {0}
        assert len(together) == teller.names.count("leader")
        for number, one in enumerate(crowd.callers):
            if one.cancelled():
                assert number in crowd.left
            elif (error := one.exception()) is not None:
                assert repr(error) == repr(failed())
            else:
                leader = int(one.result().removeprefix("reply "))
                assert leader % keys == number % keys
                assert came[leader] <= came[number] < ended[leader]
        assert (coalescing._flights, coalescing._loads, others()) == ({}, set(), set())

    run_virtual(scenario())
