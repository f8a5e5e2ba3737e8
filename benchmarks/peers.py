"""The other Python libraries that offer the same defences, each used as its own documentation says, by defence.

Left out, as peers of the defences around a cache's entries, are caches that keep the entries themselves (cashews,
nopanic): what they cost is the look-up.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import aiocoalesce
import aioresilience
import asynchedging
import hyx.bulkhead
import hyx.retry
import hyx.retry.backoffs
import hyx.retry.jitters
import hyx.timeout
import nopanic
import stamina
import tenacity
from cashews.decorators.locked import thunder_protection

from benchmarks.breakers import BREAKERS
from benchmarks.guards import ATTEMPTS, BASE_S, CAP_S, HEDGE_AFTER_S, PERMITS, TIMEOUT_S, Call, Guard, Send
from rulezero.outcome import Failed, NotSent


def _nopanic_retry(send: Send) -> Send:
    backoff = nopanic.backoff.full_jitter(BASE_S, cap=CAP_S)
    guarded: Send = nopanic.retry(attempts=ATTEMPTS, on=Failed, backoff=backoff)(send)
    return guarded


def _hyx_retry(send: Send) -> Send:
    backoff = hyx.retry.backoffs.expo(min_delay_secs=BASE_S, max_delay_secs=CAP_S, jitter=hyx.retry.jitters.full)
    guarded: Send = hyx.retry.retry(on=Failed, attempts=ATTEMPTS, backoff=backoff)(send)
    return guarded


def _stamina(send: Send) -> Send:
    guarded: Send = stamina.retry(
        on=Failed, attempts=ATTEMPTS, timeout=None, wait_initial=BASE_S, wait_max=CAP_S, wait_jitter=BASE_S
    )(send)
    return guarded


def _tenacity(send: Send) -> Send:
    guarded: Send = tenacity.retry(
        retry=tenacity.retry_if_exception_type(Failed),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=BASE_S, max=CAP_S),
        reraise=True,
    )(send)
    return guarded


def _nopanic_budget(send: Send) -> Send:
    budget = nopanic.RetryBudget(0.1)

    async def guarded(key: str) -> Any:
        budget.deposit()
        return await send(key)

    return guarded


def _semaphore(send: Send) -> Send:
    permits = asyncio.Semaphore(PERMITS)

    async def guarded(key: str) -> Any:
        async with permits:
            return await send(key)

    return guarded


def _refusing_semaphore(send: Send) -> Send:
    permits = asyncio.Semaphore(PERMITS)

    async def guarded(key: str) -> Any:
        if permits.locked():
            raise NotSent("full")
        async with permits:
            return await send(key)

    return guarded


def _aioresilience_bulkhead(send: Send) -> Send:
    bulkhead = aioresilience.Bulkhead("dependency", aioresilience.BulkheadConfig(max_concurrent=PERMITS))

    async def guarded(key: str) -> Any:
        return await bulkhead.execute(send, key)

    return guarded


def _asyncio_timeout(send: Send) -> Send:
    async def guarded(key: str) -> Any:
        async with asyncio.timeout(TIMEOUT_S):
            return await send(key)

    return guarded


def _asyncio_deadline(send: Send, time_s: float = TIMEOUT_S) -> Send:
    deadline_s = asyncio.get_running_loop().time() + time_s

    async def guarded(key: str) -> Any:
        async with asyncio.timeout_at(deadline_s):
            return await send(key)

    return guarded


def _nopanic_deadline(send: Send, time_s: float = TIMEOUT_S) -> Send:
    """Give the running task a deadline, as a request has one; what keeps it is around the call."""
    nopanic.deadline(time_s).__enter__()
    guarded: Send = nopanic.timeout(3600.0)(send)
    return guarded


def _nopanic_cache(send: Send) -> Send:
    """Entries that are stale at once: what is left is the sharing of loads."""
    guarded: Send = nopanic.cache(1e-9)(send)
    return guarded


def _cashews(send: Send) -> Send:
    guarded: Send = thunder_protection()(send)
    return guarded


def _aiocoalesce(send: Send) -> Send:
    coalescer = aiocoalesce.Coalescer()

    async def guarded(key: str) -> Any:
        return await coalescer.run(key, send(key))

    return guarded


def _asynchedging(send: Send) -> Send:
    async def guarded(key: str) -> Any:
        reply, _ = await asynchedging.hedge(lambda: send(key), delays_s=(HEDGE_AFTER_S,))
        return reply

    return guarded


def _quiet(around: Callable[[Send, float], Send]) -> Callable[[Send], Call]:
    """Leave the whole measurement within the deadline."""
    return lambda send: partial(around(send, 3600.0), "key")


PEERS: Mapping[str, tuple[Guard, ...]] = {
    "circuit_breaker": BREAKERS,
    "retry": (
        Guard(name="nopanic", around=_nopanic_retry),
        Guard(name="hyx", around=_hyx_retry),
        Guard(name="stamina", around=_stamina),
        Guard(name="tenacity", around=_tenacity),
    ),
    "retry_budget": (Guard(name="nopanic", around=_nopanic_budget),),
    "bulkhead": (
        Guard(name="asyncio.Semaphore", around=_semaphore),
        Guard(name="asyncio.Semaphore if not locked", around=_refusing_semaphore),
        Guard(name="nopanic", around=lambda send: nopanic.bulkhead(PERMITS, max_wait=0)(send)),
        Guard(name="hyx", around=lambda send: hyx.bulkhead.bulkhead(PERMITS, PERMITS)(send)),
        Guard(name="aioresilience", around=_aioresilience_bulkhead),
    ),
    "timeout": (
        Guard(name="asyncio.timeout", around=_asyncio_timeout),
        Guard(name="nopanic", around=lambda send: nopanic.timeout(TIMEOUT_S)(send)),
        Guard(name="hyx", around=lambda send: hyx.timeout.timeout(TIMEOUT_S)(send)),
    ),
    "deadline": (
        Guard(name="asyncio.timeout_at", around=_asyncio_deadline, quiet=_quiet(_asyncio_deadline)),
        Guard(name="nopanic", around=_nopanic_deadline, quiet=_quiet(_nopanic_deadline)),
    ),
    "coalescing": (
        Guard(name="aiocoalesce", around=_aiocoalesce),
        Guard(name="cashews", around=_cashews),
        Guard(name="nopanic", around=_nopanic_cache),
    ),
    "hedging": (
        Guard(name="nopanic", around=lambda send: nopanic.hedge(delay=HEDGE_AFTER_S)(send)),
        Guard(name="asynchedging", around=_asynchedging),
    ),
}
