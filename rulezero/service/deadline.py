"""The server's half of the deadline defence: read it from the wire, refuse what is late, stop at the instant.

A pure ASGI layer. The remaining time travels, never an instant, so that skewed clocks do no harm (as gRPC does).
Source: gRPC's deadline propagation, grpc.io/docs/guides/deadlines.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rulezero.defences.deadline import Deadline, DeadlineConfig, from_header
from rulezero.outcome import Outcome
from rulezero.request_context import deadline_var, now_s
from rulezero.service.answers import answer_outcome, header
from rulezero.telemetry import metrics
from rulezero.telemetry.decisions import Decisions
from rulezero.toggles.store import ToggleStore


class DeadlineLayer:
    """Honours the caller's deadline while the defence is on; passes everything through while it is off."""

    def __init__(self, app: ASGIApp, *, store: ToggleStore) -> None:
        self._app = app
        self._store = store
        self._decisions = Decisions(family="admission", defence=Deadline.name, dependency="self")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve within the deadline, or answer 504 with the outcome timeout."""
        toggle = self._store.current[Deadline.name]
        text = header(scope, b"x-deadline-ms")
        if not toggle.enabled or text is None:
            await self._app(scope, receive, send)
            return
        config: DeadlineConfig = toggle.config
        deadline_s = from_header(text, now_s(), margin_s=config.margin_s)
        if deadline_s is None:
            await self._app(scope, receive, send)
            return
        await self._within(deadline_s, scope, receive, send)

    async def _within(self, deadline_s: float, scope: Scope, receive: Receive, send: Send) -> None:
        if deadline_s <= now_s():
            self._decisions.decided("refused")
            await answer_outcome(send, Outcome.TIMEOUT, "the deadline had passed on arrival")
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
            metrics.WORK_ABANDONED.labels(reason="deadline").inc()
            if started:
                raise  # An answer cannot begin twice: the server breaks the connection off.
            await answer_outcome(send, Outcome.TIMEOUT, "the deadline passed")
        finally:
            deadline_var.reset(token)
