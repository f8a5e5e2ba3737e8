"""Work that outlives the request which started it: entries renewed, leases given back.

Why apart from the defences: a task that nobody refers to may be collected in the middle, a task made per request needs
a bound, and all of them must end with the process, also when the defence that started them has been switched off.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.outcome import CallError
from rulezero.request_context import deadline_var

TASKS_MAX = 1000
_CLOSE_S = 1.0

Run = Callable[[], Coroutine[Any, Any, None]]


class Background:
    """Holds at most `tasks_max` tasks, until each has ended."""

    def __init__(self, *, tasks_max: int = TASKS_MAX) -> None:
        self._tasks_max = tasks_max
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, run: Run) -> bool:
        """Run this in a task of its own, under no deadline; False if there are too many, or it is closed."""
        if self._closed or len(self._tasks) >= self._tasks_max:
            return False
        task = asyncio.create_task(_without_deadline(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        """Cancel what runs, give it a moment to end, and start nothing any more."""
        self._closed = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)


async def _without_deadline(run: Run) -> None:
    deadline_var.set(None)  # The task has a copy of the request's context, and with it the request's deadline.
    await run()


async def renewed(operation: Operation, proceed: Proceed, *, timeout_s: float) -> bool:
    """Load an entry anew for nobody in particular, within this time, and tell whether that went well."""
    try:
        async with asyncio.timeout(timeout_s):
            await proceed(replace(operation, deadline_s=None))
    except (CallError, TimeoutError):
        return False
    return True
