"""Early expiration (XFetch): a few readers renew an entry before it expires, so that nobody finds it gone.

What: each reader of a fresh entry draws whether to take it for expired; the nearer the end and the longer the last load
took, the likelier. Why: no lock and no lease is needed, and no process needs to know of another: those who read most
are those most likely to renew.
Source: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015, figure 3:
renew iff now - delta * beta * ln(u) >= expiry, with u even over (0, 1] and delta the time of the last load.

With lambda reads a second and lambda * beta * delta >> 1: e^(1/beta) renewals per cycle, whatever lambda, the first of
them beta * delta * (ln(lambda * beta * delta) + 0.577) ahead of the end. A key read less than ten times during a load
is often missed before anyone draws a short straw, and then is an ordinary miss.

delta is the time of the load itself: waiting for a database connection is taken off, and half of the last delta is
kept, so that neither one odd sample nor the queue of an incident has keys renewed ever earlier. What a load waits for
elsewhere, in a callee's queue or between retries, cannot be told apart and is in it. So the advance has a limit: with
beta * delta near the TTL every read would be a load.
"""

import asyncio
import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Entry, Operation, Proceed
from rulezero.defences.background import renewed
from rulezero.defences.context import Context, Family
from rulezero.defences.resting import Resting
from rulezero.outcome import CallError


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyExpirationConfig:
    """`beta` above 1 renews earlier and more rarely twice; beta * delta counts for `advance_max` of the TTL at most.

    In the background nobody waits for a renewal, which is given up after `refresh_timeout_s`; else the reader who drew
    it does. After a failed one the key is left alone for `backoff_s`.
    """

    beta: Annotated[float, Meta(gt=0, le=100)] = 1.0
    advance_max: Annotated[float, Meta(gt=0, le=1)] = 0.25
    background: bool = True
    refresh_timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    backoff_s: Annotated[float, Meta(gt=0, le=3600)] = 1.0


def scale_s(load_s: float, ttl_s: float, config: EarlyExpirationConfig) -> float:
    """Return beta * delta, which sets how far ahead of the end entries are renewed, within its limit."""
    return min(config.beta * load_s, config.advance_max * ttl_s)


def is_due(fresh_s: float, scale_s: float, uniform: float) -> bool:
    """Tell whether a reader who drew `uniform` from [0, 1) takes an entry with `fresh_s` left for expired."""
    return -scale_s * math.log(1 - uniform) >= fresh_s  # 1 - u: a draw of exactly 0 happens, and has no logarithm.


class EarlyExpiration:
    """Inside stale-while-revalidate, which never sees what is renewed in time; outside those that share loads."""

    name: ClassVar[str] = "early_expiration"
    family: ClassVar[Family] = "cache"
    config_type: ClassVar[type[EarlyExpirationConfig]] = EarlyExpirationConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: EarlyExpirationConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._resting = Resting(config.backoff_s)

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply; a reader chosen to renew gets the entry that it found, unless it is to wait."""
        entry = operation.entry
        if entry is None or not entry.fresh or not self._is_chosen(operation.key, entry, operation.ttl_s):
            return await proceed(operation)
        # Its version stays, for those inside to know whether somebody else has renewed it meanwhile.
        expired = replace(operation, entry=replace(entry, fresh_s=0.0))
        if not self._config.background:
            return await self._wait(expired, operation, entry, proceed)
        if not self._context.background.start(partial(self._refresh, expired, proceed)):
            self._context.teller.decided("refresh_refused")
        return await proceed(operation)

    def _is_chosen(self, key: str, entry: Entry, ttl_s: float) -> bool:
        scale = scale_s(entry.load_s, ttl_s, self._config)
        if not is_due(entry.fresh_s, scale, self._context.random.random()):
            return False
        if self._resting.rests(key, asyncio.get_running_loop().time()):
            return False
        self._context.teller.decided("refreshed", fresh_s=entry.fresh_s, load_s=entry.load_s)
        if scale < self._config.beta * entry.load_s:
            self._context.teller.decided("capped", scale_s=scale)
        return True

    async def _refresh(self, expired: Operation, proceed: Proceed) -> None:
        if not await renewed(expired, proceed, timeout_s=self._config.refresh_timeout_s):
            self._failed(expired.key)

    def _failed(self, key: str) -> None:
        self._resting.stamp(key, asyncio.get_running_loop().time())
        self._context.teller.decided("refresh_failed")

    async def _wait(self, expired: Operation, operation: Operation, entry: Entry, proceed: Proceed) -> Any:
        clock = asyncio.get_running_loop().time
        start_s = clock()
        try:
            return await proceed(expired)
        except CallError:
            self._failed(operation.key)
            if clock() - start_s >= entry.fresh_s:
                raise
        return await proceed(operation)  # Nothing is lost: the entry that was found is still good.
