"""Stale-if-error: yesterday's answer rather than none.

What: an entry that is stale by at most `stale_s` is served when loading it anew fails. Why: an outage of the origin
that is shorter than that is not seen by the readers of what was cached before it.
Source: RFC 5861, section 4 (https://www.rfc-editor.org/rfc/rfc5861).

Each reader still waits for its own failure: alone, it turns errors into slow answers. Nothing older than the bound is
served, however long the outage. A key that is deleted has no stale entry, so an invalidation holds for every read that
begins after it; one under way, whose load then fails, is still answered with what it had found. The key must name all
that the answer depends on, permissions too: who may see a page is not to be answered from the past.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.outcome import CallError


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleIfErrorConfig:
    """Entries are kept, and may be served in place of an error, for `stale_s` after they have become stale."""

    stale_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0


class StaleIfError:
    """Outside all that loads, so that it sees what became of it in the end."""

    name: ClassVar[str] = "stale_if_error"
    family: ClassVar[Family] = "cache"
    config_type: ClassVar[type[StaleIfErrorConfig]] = StaleIfErrorConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: StaleIfErrorConfig, context: Context) -> None:
        self._stale_s = config.stale_s
        self._teller = context.teller

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or in place of a `CallError` the stale entry, if there is one that is young enough."""
        clock = asyncio.get_running_loop().time
        start_s, entry = clock(), operation.entry
        try:
            return await proceed(replace(operation, keep_s=max(operation.keep_s, self._stale_s)))
        except CallError as error:
            if entry is None:
                raise
            # It has aged while the load was tried.
            stale_for_s = clock() - start_s - entry.fresh_s
            if stale_for_s > self._stale_s:
                self._teller.decided("too_stale", stale_for_s=stale_for_s)
                raise
            self._teller.decided("served_stale", stale_for_s=stale_for_s, outcome=error.outcome)
            return entry.value
