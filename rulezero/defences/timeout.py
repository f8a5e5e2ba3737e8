"""Timeout: an attempt that takes longer than this is given up.

What: cancels one attempt after `timeout_s`. Why: a caller that waits for ever holds a worker, a connection and
memory for ever, so a dependency that hangs takes its callers with it.
Source: the rule of thumb of the Amazon Builders' Library, "Timeouts, retries and backoff with jitter": take the
latency percentile of the dependency that matches the share of false timeouts one accepts.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.defences.time_limit import TimeLimit
from rulezero.outcome import TimedOut


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeoutConfig:
    """`timeout_s` limits each attempt, connecting and queueing for a connection included."""

    timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 0.5


class AttemptTimedOut(TimedOut):
    """The attempt was given up: the dependency may or may not have acted."""


class Timeout:
    """Innermost defence: every attempt gets a timer of its own."""

    name: ClassVar[str] = "timeout"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[TimeoutConfig]] = TimeoutConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: TimeoutConfig, context: Context) -> None:
        self._timeout_s = config.timeout_s
        self._context = context

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply in time, or raise `AttemptTimedOut`."""
        ends_s = asyncio.get_running_loop().time() + self._timeout_s
        if operation.deadline_s is None or ends_s < operation.deadline_s:
            # The callee is told how long this attempt will wait, not how long the caller will; and the link can tell
            # one that was given up from one whose caller left.
            operation = replace(operation, deadline_s=ends_s)
        limit = TimeLimit(ends_s)
        try:
            with limit:
                return await proceed(operation)
        except TimeoutError:
            if not limit.expired:
                raise
            self._context.teller.decided("timed_out", timeout_s=self._timeout_s)
            raise AttemptTimedOut(f"{operation.dependency} took over {self._timeout_s} s") from None
