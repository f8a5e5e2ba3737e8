"""The server's half of the deadline defence: read it from the wire, refuse what is late, stop at the instant.

A pure ASGI layer. What is refused or stopped for want of time is answered 504, marked as such (`X-Deadline-Passed`): a
caller that passed on its own caller's deadline must not hold it against this service. The remaining time travels,
never an instant, so that skewed clocks do no harm (as gRPC does).
Source: gRPC's deadline propagation, grpc.io/docs/guides/deadlines.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rulezero.defences.deadline import Deadline, DeadlineConfig, DeadlineTimedOut, from_header
from rulezero.request_context import deadline_var, now_s
from rulezero.service.answers import answer_failure, header
from rulezero.telemetry.decisions import Decisions
from rulezero.toggles.store import ToggleStore

# In the scope while the defence is on: its `Decisions`, for the layer that knows who leaves the line. Without it nobody
# looks whether a request is still worth the work.
DEADLINE_DECISIONS = "rulezero.deadline_decisions"


class DeadlineLayer:
    """Honours the caller's deadline while the defence is on; passes everything through while it is off."""

    def __init__(self, app: ASGIApp, *, store: ToggleStore) -> None:
        self._app = app
        self._store = store
        self._decisions = Decisions(family="admission", defence=Deadline.name, dependency="self")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve within the deadline, or answer 504 with the outcome timeout."""
        toggle = self._store.current[Deadline.name]
        deadline_s = None
        if toggle.enabled:
            scope[DEADLINE_DECISIONS] = self._decisions
            config: DeadlineConfig = toggle.config
            deadline_s = from_header(header(scope, b"x-deadline-ms") or "", now_s(), margin_s=config.margin_s)
        if deadline_s is None:
            await self._app(scope, receive, send)
        else:
            await self._within(deadline_s, scope, receive, send)

    async def _within(self, deadline_s: float, scope: Scope, receive: Receive, send: Send) -> None:
        if deadline_s <= now_s():
            self._decisions.decided("refused")
            await answer_failure(send, DeadlineTimedOut("the deadline had passed on arrival"))
            return
        self._decisions.decided("accepted")
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        token = deadline_var.set(deadline_s)
        timer = asyncio.timeout_at(deadline_s)
        try:
            async with timer:
                await self._app(scope, receive, noting_send)
        except TimeoutError:
            if not timer.expired():
                raise
            self._decisions.decided("expired")
            if started:
                raise  # An answer cannot begin twice: the server breaks the connection off.
            await answer_failure(send, DeadlineTimedOut("the deadline passed"))
        finally:
            deadline_var.reset(token)
