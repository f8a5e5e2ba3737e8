"""What coalescing is for: many callers, few loads."""

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulezero.calls import Operation
from rulezero.defences.coalescing import Coalescing, CoalescingConfig, WaitTimedOut
from rulezero.outcome import Failed
from tests.defences.fakes import (
    Dependency,
    RecordingTeller,
    context,
    failed,
    now_s,
    operation,
    others,
    outcomes,
    settle,
)
from tests.virtual_time import run_virtual

ITEM = operation(name="item", key="42")


def coalescing(teller: RecordingTeller | None = None) -> Coalescing:
    return Coalescing(CoalescingConfig(), context(teller))


async def test_callers_that_overlap_share_one_load() -> None:
    """A thousand misses at once are one load, and all get its reply; the article's thundering herd."""
    teller, origin = RecordingTeller(), Dependency("reply", latency_s=0.3)
    layer = coalescing(teller)
    assert await outcomes(layer(ITEM, origin) for _ in range(1000)) == ["reply"] * 1000
    assert len(origin.calls) == 1
    assert teller.names == ["leader"] + ["follower"] * 999
    assert now_s() == pytest.approx(0.3)


async def test_each_process_loads_once() -> None:
    """Pitfall: per process only. Three processes are three loads, not one."""
    origin = Dependency(latency_s=1.0)
    processes = [coalescing() for _ in range(3)]
    await outcomes(layer(ITEM, origin) for layer in processes for _ in range(100))
    assert len(origin.calls) == 3


async def test_loads_per_expiry_follow_the_formula() -> None:
    """1000 calls/s on a key whose load takes 0.3 s: about 1 + 300 loads without, 1 with."""
    loads = {}
    for coalesced in (False, True):
        cached, layer, random, calls = False, coalescing(), Random(1), []

        async def load(_: Operation) -> str:
            nonlocal cached
            await asyncio.sleep(0.3)
            cached = True
            return "reply"

        counted = Dependency()

        async def origin(asked: Operation, counted: Dependency = counted) -> Any:
            return await asyncio.gather(counted(asked), load(asked))

        for _ in range(1000):
            if not cached:
                calls.append(asyncio.create_task(layer(ITEM, origin) if coalesced else origin(ITEM)))
            await asyncio.sleep(random.expovariate(1000))
        await outcomes(calls)
        loads[coalesced] = len(counted.calls)
    assert loads[False] == pytest.approx(301, rel=0.2), "seed 1"
    assert loads[True] == 1


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), fails=st.booleans())
def test_a_load_runs_once_per_flight_whoever_leaves(seed: int, *, fails: bool) -> None:
    """Random arrivals, cancellations, deadlines: one load at a time, all who stay are served, nothing is left."""

    async def scenario() -> None:
        random, layer = Random(seed), coalescing()
        origin = Dependency(failed() if fails else "reply", latency_s=1.0)

        async def caller() -> Any:
            await asyncio.sleep(random.choice([0, 0.5, 1.0, 1.5, 2.0]))
            deadline_s = random.choice([None, now_s() + 0.5, now_s() + 5])
            return await layer(operation(name="item", key="42", deadline_s=deadline_s), origin)

        callers = [asyncio.create_task(caller()) for _ in range(20)]
        for one in random.sample(callers, 10):
            asyncio.get_running_loop().call_later(random.choice([0, 0.5, 1.0, 1.5]), one.cancel)
        results = await outcomes(callers)
        await settle()
        expected = (
            (Failed, WaitTimedOut, asyncio.CancelledError) if fails else (str, WaitTimedOut, asyncio.CancelledError)
        )
        assert all(isinstance(result, expected) for result in results), results
        assert origin.running_max <= 1
        assert (layer._flights, layer._loads, origin.running, others()) == ({}, set(), 0, set())

    run_virtual(scenario())
