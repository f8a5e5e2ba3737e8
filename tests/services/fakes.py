"""A runtime whose dependencies do as they are told, and remember in which order they were asked."""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from starlette.types import ASGIApp

from rulezero.dependencies.http import HttpReply
from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from rulezero.service.worker import Handle
from rulezero.settings import read_settings
from tests.service.asgi import Answer, ask

Asked = tuple[str, str, Any]


@dataclass
class FakeDatabase:
    """Answers by the name of the operation: rows, or an error to raise."""

    role: str
    log: list[Asked]
    answers: dict[str, list[dict[str, Any]] | Exception] = field(default_factory=dict)
    repeatable: list[bool] = field(default_factory=list)

    async def fetch(self, name: str, sql: str, *arguments: Any, idempotent: bool = True) -> list[dict[str, Any]]:
        assert f"${len(arguments)}" in sql
        assert f"${len(arguments) + 1}" not in sql
        self.log.append((self.role, name, arguments))
        self.repeatable.append(idempotent)
        answer = self.answers.get(name, [])
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class FakeHttp:
    """Answers everything with one reply, or raises."""

    name: str
    log: list[Asked]
    answer: HttpReply | Exception = field(default_factory=lambda: HttpReply(status=200, body=b"{}"))
    repeatable: list[bool] = field(default_factory=list)

    async def request(
        self, method: str, path: str, *, route: str, body: Any = None, idempotent: bool = True
    ) -> HttpReply:
        assert route.startswith("/")
        self.log.append((self.name, f"{method} {path}", body))
        self.repeatable.append(idempotent)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class FakeItems:
    """A cache that never forgets."""

    log: list[Asked]
    entries: dict[str, bytes] = field(default_factory=dict)

    async def get(self, key: str, load: Callable[[], Awaitable[bytes]]) -> bytes:
        if key not in self.entries:
            self.log.append(("cache", "miss", key))
            self.entries[key] = await load()
        return self.entries[key]


@dataclass
class FakeQueue:
    """Takes every message, or raises."""

    name: str
    log: list[Asked]
    error: Exception | None = None

    async def publish(self, body: Any) -> None:
        self.log.append((self.name, "publish", body))
        if self.error is not None:
            raise self.error

    async def watch(self) -> None:
        """Look after nothing."""


@dataclass
class FakeWorker:
    """Hands messages to the handler when a test says so."""

    name: str
    handle: Handle
    slots: int
    service_s: float

    async def run(self) -> None:
        """Do nothing."""


class Shop:
    """One service's app on fake dependencies; `log` has what they were asked, in order."""

    def __init__(
        self, create_app: Callable[[Runtime], App], *, service: str = "edge", links: Iterable[str] = ()
    ) -> None:
        self.settings = read_settings(
            {"RULEZERO_SERVICE": service, "RULEZERO_LINKS": json.dumps(dict.fromkeys(links, "127.0.0.1:1"))}
        )
        self.log: list[Asked] = []
        self.databases: dict[str, FakeDatabase] = {}
        self.services: dict[str, FakeHttp] = {}
        self.queues: dict[str, FakeQueue] = {}
        self.workers: dict[str, FakeWorker] = {}
        self.app: App = create_app(cast("Runtime", self))
        self._asgi: ASGIApp = self.app.routes

    def database(self, role: str, *, pool_size: int) -> FakeDatabase:
        assert pool_size > 0
        return self.databases.setdefault(role, FakeDatabase(role, self.log))

    def http(self, dependency: str) -> FakeHttp:
        return self.services.setdefault(dependency, FakeHttp(dependency, self.log))

    def read_through(self, name: str, *, ttl_s: float) -> FakeItems:
        assert name
        assert ttl_s > 0
        return FakeItems(self.log)

    def queue(self, name: str) -> FakeQueue:
        return self.queues.setdefault(name, FakeQueue(name, self.log))

    def worker(self, name: str, handle: Handle, *, slots: int, service_s: float) -> FakeWorker:
        return self.workers.setdefault(name, FakeWorker(name, handle, slots, service_s))

    async def get(self, target: str) -> Answer:
        return await ask(self._asgi, "GET", target)

    async def post(self, target: str, body: object) -> Answer:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return await ask(self._asgi, "POST", target, body=data)


BAD_BODIES: list[Any] = [
    b"",
    b"{",
    b"\xff",
    b"[" * 100_000,
    [],
    None,
    "text",
    {},
]
