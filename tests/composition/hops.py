"""A chain of services without sockets: real stacks, real layers, real answers on the way back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from functools import partial
from random import Random
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from rulezero.calls import Operation
from rulezero.dependencies.http import HttpReply, _headers, _reply
from rulezero.outcome import CallError
from rulezero.request_context import current_deadline_s, now_s
from rulezero.service.answers import failure_of
from rulezero.service.deadline import DeadlineLayer
from rulezero.service.slots import SlotsLayer
from rulezero.toggles.stacks import Stack
from rulezero.toggles.store import ToggleStore
from tests.defences.fakes import RecordingTeller
from tests.service.asgi import Client, scope_of

Handle = Callable[[], Awaitable[Any]]


class Service:
    """A service whose every request is one run of `handle`."""

    def __init__(
        self, name: str, handle: Handle, defences: Mapping[str, Any], *, slots: int = 100, service_s: float = 0.0
    ) -> None:
        self.name, self.received, self.arrived_s = name, 0, list[float]()
        self.serving = set[asyncio.Task[None]]()
        self._handle = handle
        self.store = ToggleStore(None, clock=now_s)
        on = {key: {"enabled": True, **numbers} for key, numbers in defences.items()}
        self.store.override({"defences": on, "expires_s": 3600})
        self.tellers: dict[str, RecordingTeller] = {}
        admission = Stack(self.store, family="admission", dependency="slots", caller=name, random=Random(0))
        served = SlotsLayer(
            self._serve, slots=slots, service_s=service_s, random=Random(0), admission=admission, service_cv=0.0
        )
        self.layer = DeadlineLayer(served, store=self.store)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the names are ASGI's.
        try:
            status, headers, body = 200, dict[str, str](), orjson.dumps(await self._handle())
        except CallError as error:
            status, headers, body = failure_of(error)
        told = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})

    def calls(self, other: "Service") -> Handle:
        """Return a call to another service, through this one's defences."""
        stack = Stack(
            self.store,
            family="call",
            dependency=other.name,
            caller=self.name,
            random=Random(0),
            make_teller=lambda _, defence, __: self.tellers.setdefault(defence, RecordingTeller()),
        )

        async def call() -> Any:
            operation = Operation(name="work", dependency=other.name, deadline_s=current_deadline_s())
            return (await stack.call(operation, partial(_send, other))).json()

        return call

    def names(self, defence: str) -> list[str]:
        """Return what this defence decided about the calls from here."""
        teller = self.tellers.get(defence)
        return teller.names if teller else []


async def _send(other: Service, operation: Operation) -> HttpReply:
    """Ask as over a connection: the callee has a task and a context of its own, which outlive a caller who leaves."""
    other.received += 1
    other.arrived_s.append(now_s())
    client = Client()
    serving = other.layer(scope_of("GET", "/", _headers(operation)), client.receive, client.send)
    task = asyncio.create_task(serving, context=Context())
    other.serving.add(task)
    task.add_done_callback(other.serving.discard)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        client.leave()
        raise
    titled = {key.title(): value for key, value in client.answer.headers.items()}
    return _reply(operation, client.answer.status, titled, client.answer.body)
