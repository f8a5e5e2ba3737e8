"""Stale-while-revalidate: nobody waits for a renewal.

What: an entry that is stale by at most `stale_s` is served at once and renewed in the background, once per key and
process. Why: readers of a key that is read often enough never wait for a load, and one load serves all of them.
Source: RFC 5861, section 3 (https://www.rfc-editor.org/rfc/rfc5861).

Nothing is served that was loaded longer ago than ttl + stale_s + one load, also when every renewal fails. A renewal
belongs to no request: it has neither its lifetime nor its deadline. After each the key rests for `backoff_s`, else
every reader would start another when the origin is sick, or the cache takes no writes. A key not read for longer than
ttl + stale_s is an ordinary miss; so is one that was deleted, of which there is nothing stale to serve.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.defences.background import renewed
from rulezero.defences.context import Context, Family
from rulezero.defences.resting import Resting


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleWhileRevalidateConfig:
    """Entries are kept, and may be served, for `stale_s` after they have become stale.

    A renewal is given up after `refresh_timeout_s`; after each the key is left alone for `backoff_s`.
    """

    stale_s: Annotated[float, Meta(gt=0, le=86_400)] = 30.0
    refresh_timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    backoff_s: Annotated[float, Meta(gt=0, le=3600)] = 1.0


class StaleWhileRevalidate:
    """Outside coalescing and lease, which see to it that renewals of several processes are one load."""

    name: ClassVar[str] = "stale_while_revalidate"
    family: ClassVar[Family] = "cache"
    config_type: ClassVar[type[StaleWhileRevalidateConfig]] = StaleWhileRevalidateConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: StaleWhileRevalidateConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._refreshing: set[str] = set()
        self._resting = Resting(config.backoff_s)

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or at once the stale entry, if there is one that is young enough."""
        operation = replace(operation, keep_s=max(operation.keep_s, self._config.stale_s))
        entry = operation.entry
        if entry is None or entry.fresh:
            return await proceed(operation)
        if -entry.fresh_s > self._config.stale_s:
            self._context.teller.decided("too_stale", stale_for_s=-entry.fresh_s)
            return await proceed(operation)
        self._revalidate(operation, proceed)
        self._context.teller.decided("served_stale", stale_for_s=-entry.fresh_s)
        return entry.value

    def _revalidate(self, operation: Operation, proceed: Proceed) -> None:
        key, now_s = operation.key, asyncio.get_running_loop().time()
        if key in self._refreshing or self._resting.rests(key, now_s):
            return
        if not self._context.background.start(partial(self._refresh, operation, proceed)):
            self._context.teller.decided("refresh_refused")
            return
        self._refreshing.add(key)
        self._context.teller.decided("refreshed")

    async def _refresh(self, operation: Operation, proceed: Proceed) -> None:
        try:
            if not await renewed(operation, proceed, timeout_s=self._config.refresh_timeout_s):
                self._context.teller.decided("refresh_failed")
        finally:
            # After one that went well too: what was loaded may not have been written.
            self._resting.stamp(operation.key, asyncio.get_running_loop().time())
            self._refreshing.discard(operation.key)
