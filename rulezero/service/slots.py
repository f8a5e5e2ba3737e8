"""Capacity that is virtual: slots x service time, awaited and not burnt.

A slot is what a worker thread is in a threaded server: a request holds one from start to end, also while it waits for
others, and the next in line waits. So a service saturates at slots / service time on any machine, and hung calls fill
it up. The line is first come, first served and, without a defence, longer than anyone should allow.
"""

import asyncio
from collections import deque
from random import Random

from starlette.types import ASGIApp, Receive, Scope, Send

from rulezero.outcome import Outcome
from rulezero.request_context import current_deadline_s, now_s
from rulezero.service.answers import answer_outcome
from rulezero.telemetry import metrics

# Far beyond what any caller waits for; it only keeps a forgotten run from eating the machine's memory.
BACKLOG_MAX = 20_000


class Slots:
    """A first-come, first-served semaphore that tells how long its line is.

    asyncio.Semaphore is not used because it hides its line and lets newcomers overtake.
    """

    def __init__(self, limit: int, *, resource: str) -> None:
        self._free = limit
        self._line: deque[asyncio.Future[None]] = deque()
        self._in_use = metrics.CONCURRENCY_IN_USE.labels(resource=resource)
        self._waiting = metrics.CONCURRENCY_WAITING.labels(resource=resource)
        self._waited = metrics.CONCURRENCY_WAIT.labels(resource=resource)
        metrics.CONCURRENCY_LIMIT.labels(resource=resource).set(limit)

    @property
    def waiting(self) -> int:
        """Return the length of the line."""
        return len(self._line)

    async def acquire(self) -> None:
        """Wait for a slot; a cancelled waiter takes none."""
        start_s = now_s()
        if self._free > 0 and not self._line:
            self._free -= 1
        else:
            await self._queue()
        self._in_use.inc()
        self._waited.observe(now_s() - start_s)

    async def _queue(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._waiting.set(len(self._line))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()  # The slot had been handed over just before the cancellation.
            elif turn in self._line:  # Else a release has passed it over already.
                self._line.remove(turn)
            raise
        finally:
            self._waiting.set(len(self._line))

    def release(self) -> None:
        """Give the slot to the first in line."""
        self._in_use.dec()
        self._pass_on()

    def _pass_on(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class SlotsLayer:
    """A pure ASGI layer: queue for a slot, work for the service time, then run the app with the slot held."""

    def __init__(self, app: ASGIApp, *, slots: int, service_s: float, random: Random) -> None:
        self._app = app
        self._slots = Slots(slots, resource="slots")
        self._service_s = service_s
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve in turn."""
        if self._slots.waiting >= BACKLOG_MAX:
            await answer_outcome(send, Outcome.REJECTED, f"{BACKLOG_MAX} requests wait already")
            return
        await self._slots.acquire()
        try:
            if _too_late():
                # Checked again after the queue: work for a caller who has left is pure waste.
                metrics.WORK_ABANDONED.labels(reason="deadline").inc()
                await answer_outcome(send, Outcome.TIMEOUT, "the deadline passed in the queue")
                return
            if self._service_s > 0:
                await asyncio.sleep(self._random.expovariate(1 / self._service_s))
            await self._app(scope, receive, send)
        finally:
            self._slots.release()


def _too_late() -> bool:
    deadline_s = current_deadline_s()
    return deadline_s is not None and deadline_s <= now_s()
