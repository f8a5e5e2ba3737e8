"""Servers and stacks for the tests of the dependencies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from rulezero.defences.context import Family, SharedCache
from rulezero.dependencies.attempts import Link
from rulezero.outcome import Outcome
from rulezero.toggles.stacks import Stack
from rulezero.toggles.store import ToggleStore
from tests.counters import Change

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def stack(
    *, dependency: str, family: Family = "call", shared: SharedCache | None = None, **tables: dict[str, Any]
) -> Stack:
    """Return a stack with exactly these defences on."""
    store = ToggleStore(None, clock=lambda: 0.0)
    on = {name: {"enabled": True, **table} for name, table in tables.items()}
    store.override({"defences": on, "expires_s": 60})
    return Stack(store, family=family, dependency=dependency, caller="edge", random=Random(0), shared=shared)


class LinkChanges:
    """What happened on a link since this object was made."""

    def __init__(self, link: Link, dependency: str) -> None:
        labels = {"dependency": dependency, "link": link.name}
        self._attempts = {
            attempt: Change("dependency_attempts_total", attempt=attempt, **labels)
            for attempt in ("first", "retry", "hedge")
        }
        self._outcomes = {
            outcome: Change("dependency_outcomes_total", outcome=outcome, **labels) for outcome in Outcome
        }

    @property
    def attempts(self) -> tuple[float, float]:
        """First ones and retries."""
        return self._attempts["first"](), self._attempts["retry"]()

    @property
    def hedges(self) -> float:
        """Copies."""
        return self._attempts["hedge"]()

    @property
    def outcomes(self) -> dict[str, float]:
        """Those that happened."""
        return {outcome.value: change() for outcome, change in self._outcomes.items() if change()}


@asynccontextmanager
async def tcp_server(talk: Talk) -> AsyncIterator[str]:
    """Run a server on loopback and give its "host:port"; connections still open at the end are dropped."""
    writers: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await talk(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # Lets the handlers notice.


async def read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Return the first line, the headers by their lower-case names, and the body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    return head[0], headers, await reader.readexactly(int(headers.get("content-length", "0")))


def response(status: int, headers: str = "", body: bytes = b"{}") -> bytes:
    """Return an HTTP answer."""
    return f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


class Server:
    """Answers every request with the same bytes and notes what it was asked."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            self.asked.append(await read_request(reader))
            writer.write(self.data)
