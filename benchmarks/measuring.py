"""Microseconds of CPU per call of several coroutine functions, measured in turns so that all meet the same machine."""

import gc
import time
from collections.abc import Mapping
from statistics import median

from benchmarks.guards import Call


async def cost_us(call: Call, calls: int) -> float:
    """Return the CPU time of this process per call, in microseconds, one call after the other."""
    start_s = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - start_s) / calls * 1e6


async def costs_us(bare: Call, guarded: Mapping[str, Call], *, calls: int, rounds: int) -> dict[str, float]:
    """Return by name what a guarded call costs beyond a bare one: medians over the rounds, of differences within one.

    The order turns from round to round, so that none is always the one that comes after the collector.
    """
    names = list(guarded)
    for call in guarded.values():
        await cost_us(call, calls // 10)
    differences: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        gc.collect()
        bare_us = await cost_us(bare, calls)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            differences[name].append(await cost_us(guarded[name], calls) - bare_us)
    return {name: round(median(found), 2) for name, found in differences.items()}
