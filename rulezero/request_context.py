"""What a request carries through a process: the instant when its caller gives up, and what it spent waiting in line."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass

DEADLINE_HEADER = "X-Deadline-Ms"
DEADLINE_PASSED_HEADER = "X-Deadline-Passed"  # In an answer: for want of time, by the deadline that was given.
OUTCOME_HEADER = "X-Outcome"

deadline_var: ContextVar[float | None] = ContextVar("deadline_s", default=None)


@dataclass(slots=True)
class Queueing:
    """Seconds spent waiting in line, for whoever wants to know how long the work itself took."""

    total_s: float = 0.0


queueing_var: ContextVar[Queueing | None] = ContextVar("queueing", default=None)


def current_deadline_s() -> float | None:
    """Return the instant (event loop's clock) when the caller gives up, or None when no deadline is honoured."""
    return deadline_var.get()


def now_s() -> float:
    """Return the event loop's clock."""
    return asyncio.get_running_loop().time()
