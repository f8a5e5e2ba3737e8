"""Capacity that is virtual: slots x service time, awaited and not burnt.

A slot is what a worker thread is in a threaded server: a request holds one from start to end, also while it waits for
others, and the next in line waits. So a service saturates at slots / service time on any machine, and hung calls fill
it up. The line is first come, first served and, without a defence of the admission family, longer than anyone should
allow.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from random import Random

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rulezero.calls import Operation
from rulezero.defences.deadline import DeadlineTimedOut
from rulezero.outcome import NotSent, Outcome
from rulezero.request_context import current_deadline_s, now_s
from rulezero.service.answers import answer_failure, answer_outcome
from rulezero.service.caller import Caller
from rulezero.service.deadline import DEADLINE_DECISIONS
from rulezero.service.observed import CALLER_LEFT
from rulezero.service.service_time import service_time_s
from rulezero.service.time_left import TimeLeft
from rulezero.telemetry import metrics
from rulezero.telemetry.decisions import Decisions
from rulezero.toggles.stacks import Stack

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
        self._held = metrics.CONCURRENCY_HOLD.labels(resource=resource)
        self._wasted = metrics.CONCURRENCY_WASTED.labels(resource=resource)
        metrics.CONCURRENCY_LIMIT.labels(resource=resource).set(limit)

    @property
    def waiting(self) -> int:
        """Return the length of the line."""
        return len(self._line)

    @property
    def all_taken(self) -> bool:
        """Return whether one who came now would have to queue."""
        return self._free <= 0 or bool(self._line)

    async def acquire(self) -> float:
        """Wait for a slot and return the instant at which it was given; a cancelled waiter takes none."""
        start_s = now_s()
        if self.all_taken:
            await self._queue()
        else:
            self._free -= 1
        self._in_use.inc()
        taken_s = now_s()
        self._waited.observe(taken_s - start_s)
        return taken_s

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

    def release(self, taken_s: float, *, wasted: bool = False) -> None:
        """Give the slot, which was taken at that instant, to the first in line; `wasted` when nobody got an answer."""
        held_s = now_s() - taken_s
        self._in_use.dec()
        self._held.observe(held_s)
        if wasted:
            self._wasted.inc(held_s)
        self._pass_on()

    def _pass_on(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class SlotsLayer:
    """A pure ASGI layer: queue for a slot, work for the service time, then run the app with the slot held.

    `admission` holds the defences that may keep a request out of the line; the time one slot is needed for varies by
    `service_cv` (see `service_time_s`).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        slots: int,
        service_s: float,
        random: Random,
        admission: Stack,
        service_cv: float = 1.0,
    ) -> None:
        self._app = app
        self._slots = Slots(slots, resource="slots")
        self._service_s = service_s
        self._service_cv = service_cv
        self._random = random
        self._admission = admission
        self._time_left = TimeLeft()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve in turn, or refuse before any work is done."""
        if self._slots.waiting >= BACKLOG_MAX:
            await answer_outcome(send, Outcome.REJECTED, f"{BACKLOG_MAX} requests wait already")
        elif self._admission.empty:
            await self._serve(scope, receive, send)
        else:
            await self._serve_if_admitted(scope, receive, send)

    async def _serve_if_admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        admitted = False

        async def serve(_: Operation) -> None:
            nonlocal admitted
            admitted = True
            await self._serve(scope, receive, send)

        deadline_s, waiting = current_deadline_s(), self._slots.waiting
        operation = Operation(name="admit", dependency="slots", deadline_s=deadline_s, waiting=waiting)
        try:
            await self._admission.call(operation, serve)
        except NotSent as refusal:
            if admitted:
                raise  # The app's own.
            await answer_outcome(send, refusal.outcome, str(refusal))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        queued = self._slots.all_taken
        taken_s, answered = await self._slots.acquire(), False
        try:
            decisions: Decisions | None = scope.get(DEADLINE_DECISIONS)
            if queued and decisions is not None:
                caller = Caller(receive)
                receive = caller.receive
                # Looked at again after the queue: work for a caller who has left, or will have, is pure waste.
                if caller.has_left():
                    decisions.decided("dropped")
                    scope[CALLER_LEFT] = True
                    return
                if await self._refused_in_line(decisions, send):
                    answered = True
                    return
            answered = await self._work(taken_s, scope, receive, send)
        finally:
            self._slots.release(taken_s, wasted=not answered)  # Cut off in the middle, or too late for its caller.

    async def _refused_in_line(self, decisions: Decisions, send: Send) -> bool:
        deadline_s = current_deadline_s()
        if deadline_s is None:
            return False
        left_s = deadline_s - now_s()
        if self._time_left.suffices(left_s):
            return False
        decisions.decided("refused_in_line", remaining_s=left_s)
        if left_s > 0:
            # Overload, and nothing was done: asking again would only lengthen the line.
            await answer_outcome(send, Outcome.REJECTED, "too little time was left after the queue")
        else:
            await answer_failure(send, DeadlineTimedOut("the deadline passed in the queue"))
        return True

    async def _work(self, taken_s: float, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serve, learn from it how long that takes, and return whether the caller got the answer."""
        status = 0

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if self._service_s > 0:
                await asyncio.sleep(service_time_s(self._service_s, self._service_cv, self._random))
            await self._app(scope, receive, noting_send)
        except asyncio.CancelledError:
            deadline_s = current_deadline_s()
            if deadline_s is not None and now_s() >= deadline_s:
                metrics.WORK_ABANDONED.labels(reason="deadline").inc()
                self._time_left.learn_at_least(now_s() - taken_s)
            raise
        if status == HTTPStatus.GATEWAY_TIMEOUT:
            self._time_left.learn_at_least(now_s() - taken_s)
        elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._time_left.learn(now_s() - taken_s)
        return CALLER_LEFT not in scope
