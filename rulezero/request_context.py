"""What a request carries through a process: the instant when its caller gives up."""

import asyncio
from contextvars import ContextVar

DEADLINE_HEADER = "X-Deadline-Ms"
OUTCOME_HEADER = "X-Outcome"

deadline_var: ContextVar[float | None] = ContextVar("deadline_s", default=None)


def current_deadline_s() -> float | None:
    """Return the instant (event loop's clock) when the caller gives up, or None when no deadline is honoured."""
    return deadline_var.get()


def now_s() -> float:
    """Return the event loop's clock."""
    return asyncio.get_running_loop().time()
