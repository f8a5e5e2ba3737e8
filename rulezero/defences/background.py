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
        self._returns: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, run: Run) -> bool:
        """Run this in a task of its own, under no deadline; False if there are too many, or it is closed."""
        if self._closed or len(self._tasks) >= self._tasks_max:
            return False
        _run_in(self._tasks, run)
        return True

    def give_back(self, run: Run) -> None:
        """Run this too, which returns what somebody holds: also beyond the bound, and when it is closed.

        There are no more of these than there was to hold; each must have a bound of its own.
        """
        _run_in(self._returns, run)

    async def close(self) -> None:
        """Cancel what runs, wait a moment for it to end and give back what it holds, and start nothing any more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        clock = asyncio.get_running_loop().time
        end_s = clock() + _CLOSE_S
        while (running := self._tasks | self._returns) and clock() < end_s:
            await asyncio.wait(running, timeout=end_s - clock())
        for task in self._returns:
            task.cancel()


def _run_in(tasks: set[asyncio.Task[None]], run: Run) -> None:
    task = asyncio.create_task(_without_deadline(run))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


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
