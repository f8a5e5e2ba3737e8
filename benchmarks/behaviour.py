"""Seven checks of behaviour, and one that a defence does its work at all, for any library's defence.

A library that fails one of them is no peer: what it costs is the cost of something else. The same checks are asked of
our own in tests/defences/test_conformance.py, on a clock that is not the wall's; here the libraries' own clocks run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from benchmarks.guards import CAP_S, FAILURES, OPEN_S, PERMITS, PROBES, TIMEOUT_S, Guard
from benchmarks.wall_clock import wall_clock_off_by
from rulezero.outcome import Failed

Check = Callable[[Guard], Coroutine[Any, Any, bool]]
HOUR_S = 3600.0


class Dependency:
    """Answers after `latency_s`, or fails while `failing`."""

    def __init__(self, *, latency_s: float = 0.0, failing: bool = False) -> None:
        self.latency_s = latency_s
        self.failing = failing
        self.calls = 0
        self.running = 0
        self.running_max = 0

    async def send(self, key: str) -> str:
        """Answer one call."""
        self.calls += 1
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        try:
            await asyncio.sleep(self.latency_s)
        finally:
            self.running -= 1
        if self.failing:
            raise Failed("500")
        return f"value of {key}"


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def _all(calls: list[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _opened(guard: Guard) -> tuple[Any, Dependency]:
    """Return a breaker that has seen enough failures, and what is behind it, well again."""
    dependency = Dependency(failing=True)
    guarded = guard.around(dependency.send)
    for _ in range(FAILURES):
        await _all([guarded("key")])
    dependency.failing, dependency.calls = False, 0
    return guarded, dependency


async def _reaches(guarded: Any, dependency: Dependency) -> bool:
    """Tell whether a call gets through now."""
    before = dependency.calls
    await _all([guarded("key")])
    return dependency.calls > before


async def breaker_opens(guard: Guard) -> bool:
    """0: so many failures in a row open it, and it closes again."""
    guarded, dependency = await _opened(guard)
    refused = not await _reaches(guarded, dependency)
    await asyncio.sleep(1.5 * OPEN_S)
    return refused and await _reaches(guarded, dependency)


async def few_probes(guard: Guard) -> bool:
    """1: after the open period 50 concurrent callers are at most k probes."""
    guarded, dependency = await _opened(guard)
    await asyncio.sleep(1.5 * OPEN_S)
    dependency.latency_s = 0.02
    await _all([guarded("key") for _ in range(50)])
    return dependency.running_max <= PROBES


async def cancels_do_not_open(guard: Guard) -> bool:
    """2: 20 callers that leave a closed breaker leave it closed."""
    dependency = Dependency(latency_s=9.0)
    guarded = guard.around(dependency.send)
    callers = [asyncio.ensure_future(guarded("key")) for _ in range(FAILURES)]
    await _settle()
    await _cancel(callers)
    dependency.latency_s = 0.0
    return await _reaches(guarded, dependency)


async def cancelled_probe_counts_nothing(guard: Guard) -> bool:
    """3: a cancelled probe neither closes nor opens: after it no more than k get through, and one does."""
    guarded, dependency = await _opened(guard)
    await asyncio.sleep(1.5 * OPEN_S)
    for _ in range(2):
        dependency.latency_s = 9.0
        probe = asyncio.ensure_future(guarded("key"))
        await _settle()
        if not dependency.running:
            return False
        await _cancel([probe])
    dependency.latency_s, dependency.running_max = 0.02, 0
    await _all([guarded("key") for _ in range(50)])
    return 1 <= dependency.running_max <= PROBES


async def stays_parallel(guard: Guard) -> bool:
    """4: parallel calls stay parallel."""
    dependency = Dependency(latency_s=0.03)
    guarded = guard.around(dependency.send)
    results = await _all([guarded(str(number)) for number in range(8)])
    return dependency.running_max == 8 and results == [f"value of {number}" for number in range(8)]


async def breaker_ignores_the_wall_clock(guard: Guard) -> bool:
    """5: an hour forwards does not end the open period, an hour back does not prolong it."""
    for jump_s, wait_s, reaches in ((HOUR_S, 0.0, False), (-HOUR_S, 1.5 * OPEN_S, True)):
        guarded, dependency = await _opened(guard)
        await asyncio.sleep(wait_s)
        with wall_clock_off_by(jump_s):
            if await _reaches(guarded, dependency) is not reaches:
                return False
    return True


async def others_keep_their_value(guard: Guard) -> bool:
    """6: a leader or a follower that leaves takes nothing from the others, who keep the value of the one load."""
    for leaver in (0, 5):
        dependency = Dependency(latency_s=0.03)
        guarded = guard.around(dependency.send)
        callers = [asyncio.ensure_future(guarded("hot")) for _ in range(10)]
        await _settle()
        callers[leaver].cancel()
        results = await _all(list(callers))
        if results.count("value of hot") != 9 or dependency.calls != 1:
            return False
    return True


async def late_delays_vary(guard: Guard) -> bool:
    """7: delays at the cap still vary, and few are the cap itself."""
    delays: list[float] = []
    sleep = asyncio.sleep

    async def told(delay_s: float, result: Any = None) -> Any:
        if delay_s > 0:
            delays.append(delay_s)
        return await sleep(0, result)

    with patch("asyncio.sleep", told), suppress(Exception):
        await guard.around(Dependency(failing=True).send)("key")
    late = delays[10:]
    at_the_cap = sum(delay_s > 0.99 * CAP_S for delay_s in late)
    return len(late) > 30 and len(set(late)) == len(late) and at_the_cap < len(late) / 10


async def retries(guard: Guard) -> bool:
    """0: a failure is followed by another attempt."""
    dependency = Dependency(failing=True)

    async def failing_once(key: str) -> str:
        dependency.failing = dependency.calls == 0
        return await dependency.send(key)

    return await guard.around(failing_once)("key") == "value of key" and dependency.calls == 2


async def refuses_when_full(guard: Guard) -> bool:
    """0: a call beyond the permits is refused, not kept waiting for as long as it takes."""
    dependency = Dependency(latency_s=0.2)
    guarded = guard.around(dependency.send)
    results = await _all([guarded("key") for _ in range(2 * PERMITS)])
    refused = sum(isinstance(result, Exception) for result in results)
    return (dependency.running_max, refused) == (PERMITS, PERMITS)


async def ends_what_hangs(guard: Guard) -> bool:
    """0, and 5: a call that hangs is cancelled in time, whatever the wall clock says."""
    return all([await asyncio.create_task(_ends_in_time(guard, jump_s)) for jump_s in (0.0, HOUR_S, -HOUR_S)])


async def _ends_in_time(guard: Guard, jump_s: float) -> bool:
    dependency, clock = Dependency(latency_s=9.0), asyncio.get_running_loop().time
    start_s = clock()
    call = asyncio.ensure_future(guard.around(dependency.send)("key"))
    await _settle()
    with wall_clock_off_by(jump_s):
        (result,) = await _all([call])
    in_time = 0.7 * TIMEOUT_S < clock() - start_s < 2 * TIMEOUT_S
    return isinstance(result, Exception) and not dependency.running and in_time


async def sends_nothing_too_late(guard: Guard) -> bool:
    """0: after the deadline nothing is sent any more."""
    dependency = Dependency()
    guarded = guard.around(dependency.send)
    await asyncio.sleep(1.2 * TIMEOUT_S)
    return not await _reaches(guarded, dependency)


async def shares_one_load(guard: Guard) -> bool:
    """0: those who ask for the same thing at the same time share one load."""
    dependency = Dependency(latency_s=0.02)
    guarded = guard.around(dependency.send)
    results = await _all([guarded("hot") for _ in range(10)])
    return results == ["value of hot"] * 10 and dependency.calls == 1


async def hedges(guard: Guard) -> bool:
    """0: a slow call gets a second copy, whose answer counts, and the first is cancelled."""
    dependency, quick = Dependency(), 100  # Those that came before have earned the second copy, where it is earned.

    async def slow_once(key: str) -> str:
        dependency.latency_s = 9.0 if dependency.calls == quick else 0.0
        return await dependency.send(key)

    guarded = guard.around(slow_once)
    for _ in range(quick):
        await guarded("key")
    async with asyncio.timeout(2):
        reply = await guarded("key")
    await _settle()
    return (reply, dependency.calls, dependency.running) == ("value of key", quick + 2, 0)


CHECKS: Mapping[str, tuple[Check, ...]] = {
    "circuit_breaker": (
        breaker_opens,
        few_probes,
        cancels_do_not_open,
        cancelled_probe_counts_nothing,
        stays_parallel,
        breaker_ignores_the_wall_clock,
    ),
    "retry": (retries, stays_parallel, late_delays_vary),
    "retry_budget": (stays_parallel,),
    "bulkhead": (refuses_when_full, stays_parallel),
    "timeout": (ends_what_hangs, stays_parallel),
    "deadline": (ends_what_hangs, sends_nothing_too_late, stays_parallel),
    "coalescing": (shares_one_load, stays_parallel, others_keep_their_value),
    "hedging": (hedges, stays_parallel),
}


async def failed_checks(defence: str, guard: Guard) -> list[int]:
    """Return the numbers of the checks that a guard fails; each runs in a task, so that no context outlives it."""
    failed = []
    for check in CHECKS[defence]:
        try:
            held = await asyncio.create_task(check(guard))
        except Exception:  # noqa: BLE001 - a library may raise anything: then it does not do what is asked.
            held = False
        if not held:
            failed.append(int((check.__doc__ or "")[0]))
    return failed
