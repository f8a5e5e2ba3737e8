"""Deadline: one instant by which the answer must be there, for the whole call and everything below it.

What: refuses calls that cannot be answered in time, and ends the others at the deadline, retries included. Why: a
per-attempt timeout starts anew at each attempt and each hop, so callees go on working for callers that have left.
Source: gRPC deadlines (https://grpc.io/docs/guides/deadlines/): between processes the *remaining* time travels, so
that clocks need not agree; Envoy's route timeout, which spans its retries.

A call ended here looks like a cancellation to the layers inside, and neither that nor a callee's word that this very
deadline has passed counts with a breaker: give attempts a timeout shorter than the deadline if a dependency that hangs
is to open one. The margin is looked at before the first attempt only; a later one has what the pauses left.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.defences.time_limit import TimeLimit
from rulezero.outcome import NotSent, TimedOut

REMAINING_MAX_S = 3600.0  # Nobody waits longer: a larger header would be as good as no bound.
_MILLISECONDS = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")  # Bounded, so that a hostile header costs nothing.


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadlineConfig:
    """`margin_s` is what the way there and back takes at least: with less than that left, sending is pointless."""

    margin_s: Annotated[float, Meta(ge=0, le=60)] = 0.01


class DeadlineExceeded(NotSent):
    """Too little time was left: the call was not sent."""


class DeadlineTimedOut(TimedOut):
    """The deadline passed, here or further down: the dependency may or may not have acted.

    No time is left to ask again; and it was the caller who was in a hurry, so breaker and throttle count nothing.
    """

    retryable = False


def to_header(deadline_s: float, now_s: float) -> str:
    """Return the value of `X-Deadline-Ms`: whole milliseconds left, rounded down, from 0 to an hour."""
    remaining_s = min(max(deadline_s - now_s, 0.0), REMAINING_MAX_S)
    return str(int(remaining_s * 1000))


def from_header(text: str, now_s: float, *, margin_s: float) -> float | None:
    """Return the instant at which the sender of `X-Deadline-Ms` stops waiting, less `margin_s` for the way back.

    `now_s` is the instant at which the reader got to the request. What it spent before that, on the wire and in the
    buffers of a busy process, is not deducted: `margin_s` must cover it. The result may lie in the past: the work is to
    be refused. Text that is no number (NaN and infinity too) counts as no deadline: None. Over an hour counts as an
    hour.
    """
    if not _MILLISECONDS.fullmatch(text.strip(" \t")):
        return None
    return now_s + min(float(text) / 1000, REMAINING_MAX_S) - margin_s


class Deadline:
    """Outermost of the call family: one deadline spans all attempts, their pauses and their queues."""

    name: ClassVar[str] = "deadline"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[DeadlineConfig]] = DeadlineConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("propagated", "accepted")

    def __init__(self, config: DeadlineConfig, context: Context) -> None:
        self._margin_s = config.margin_s
        self._context = context

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply in time, or raise `DeadlineExceeded` (not sent) or `DeadlineTimedOut`."""
        if operation.deadline_s is None:
            return await proceed(operation)
        remaining_s = operation.deadline_s - asyncio.get_running_loop().time()
        if remaining_s <= self._margin_s:
            self._context.teller.decided("refused", remaining_s=remaining_s)
            raise DeadlineExceeded(f"{operation.dependency}: {remaining_s:.3f} s left, too few to send")
        self._context.teller.decided("propagated", remaining_s=remaining_s)
        limit = TimeLimit(operation.deadline_s)
        try:
            with limit:
                return await proceed(operation)
        except TimeoutError:
            if not limit.expired:
                raise
            self._context.teller.decided("expired", remaining_s=0.0)
            raise DeadlineTimedOut(f"{operation.dependency}: no answer before the deadline") from None
