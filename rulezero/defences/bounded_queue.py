"""Bounded queue: refuse the request that would join a line already too long to be worth joining.

What: a request that finds `queue_max` others waiting for a slot is refused before any work is done for it. Why: in an
unbounded line under overload every answer comes after its caller has left, so all the work is wasted, and the retries
of those callers keep the line long after the cause is gone.
Source: the M/M/c/K queue, whose share of refusals is (1 - rho) rho^K / (1 - rho^(K+1)) with one server.

The bound counts requests, and what matters is time: the last in line waits `queue_max` / capacity, so a queue is useful
only if queue_max / capacity < the caller's timeout (capacity = slots / mean hold, in requests a second). A line that
is longer serves the dead. A refusal carries no Retry-After: it is not to be retried at all, and the line is gone
sooner than the whole seconds which that header counts in.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.outcome import NotSent


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundedQueueConfig:
    """At most `queue_max` requests wait in each process; keep it below capacity x the callers' timeout."""

    queue_max: Annotated[int, Meta(ge=1, le=100_000)] = 50


class QueueFull(NotSent):
    """Too many wait already: no work was done for this request."""


class BoundedQueue:
    """Alone in its family; it holds nothing, so a cancelled request leaves nothing behind."""

    name: ClassVar[str] = "bounded_queue"
    family: ClassVar[Family] = "admission"
    config_type: ClassVar[type[BoundedQueueConfig]] = BoundedQueueConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("admitted",)

    def __init__(self, config: BoundedQueueConfig, context: Context) -> None:
        self._queue_max = config.queue_max
        self._context = context

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Let the request join the line, or raise `QueueFull`."""
        if operation.waiting >= self._queue_max:
            self._context.teller.decided("rejected", waiting=operation.waiting)
            raise QueueFull(f"{operation.waiting} requests wait already")
        self._context.teller.decided("admitted", waiting=operation.waiting)
        return await proceed(operation)
