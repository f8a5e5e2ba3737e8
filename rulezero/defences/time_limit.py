"""A limit on how long the running task may stay inside a block: what timeouts and deadlines have in common.

What: at an instant the task is cancelled; the block then ends in `TimeoutError`, unless somebody else wanted the task
cancelled too. Why not asyncio's own: `asyncio.timeout` costs twice as much, and a call has three of them around it.
Source: the same counting of cancellations as in CPython's Lib/asyncio/timeouts.py (`Task.cancelling`, `uncancel`).
"""

import asyncio
from types import TracebackType
from typing import Any, Self


class TimeLimit:
    """Ends the block at `at_s` on the event loop's clock, at once if that is past. For one use.

    `expired` tells afterwards whether it was this limit that ended the block, and not a `TimeoutError` from within.
    """

    __slots__ = ("_at_s", "_cancelling", "_task", "_timer", "expired")

    def __init__(self, at_s: float) -> None:
        self.expired = False
        self._at_s = at_s

    def __enter__(self) -> Self:
        """Start the time."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task to cancel")
        self._task: asyncio.Task[Any] | None = task
        self._cancelling = task.cancelling()
        self._timer = asyncio.get_running_loop().call_at(self._at_s, self._expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the time, and tell that it was up."""
        self._timer.cancel()
        task, self._task = self._task, None
        if not self.expired or task is None:
            return
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self) -> None:
        if self._task is not None:
            self.expired = True
            self._task.cancel()
