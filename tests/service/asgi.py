"""Talks ASGI to an app or a layer, as uvicorn does, without a socket."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from starlette.types import ASGIApp, Message, Scope


@dataclass
class Answer:
    """What an app sent."""

    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {key.decode(): value.decode() for key, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.messages[1:])

    @property
    def data(self) -> object:
        return orjson.loads(self.body)


class Client:
    """One request's connection, written after uvicorn's `RequestResponseCycle.receive`.

    The body comes first, in `chunks`; after that `receive` waits until the client leaves or the response is complete.
    """

    def __init__(self, chunks: Sequence[bytes] = (b"",)) -> None:
        self.answer = Answer()
        self._chunks = list(chunks)
        self._gone = False
        self._event = asyncio.Event()
        self._event.set()

    def leave(self) -> None:
        """Close the connection."""
        self._gone = True
        self._event.set()

    async def receive(self) -> Message:
        if not self._gone:
            await self._event.wait()
            self._event.clear()
        if self._gone:
            return {"type": "http.disconnect"}
        body = self._chunks.pop(0)
        if self._chunks:
            self._event.set()
        return {"type": "http.request", "body": body, "more_body": bool(self._chunks)}

    async def send(self, message: Message) -> None:
        self.answer.messages.append(message)


def scope_of(method: str, target: str, headers: dict[str, str] | None = None) -> Scope:
    """Return the scope of a request; `target` may have a query."""
    path, _, query = target.partition("?")
    pairs = [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in (headers or {}).items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": pairs,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }


async def ask(
    app: ASGIApp, method: str, target: str, *, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    """Send a whole request and return the answer."""
    client = Client([body])
    await app(scope_of(method, target, headers), client.receive, client.send)
    return client.answer
