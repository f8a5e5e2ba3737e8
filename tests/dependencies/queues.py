"""A queue as services have it, on a link that a test can break, and what the server says of its stream."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import orjson

from rulezero.dependencies.attempts import Link
from rulezero.dependencies.queue import Queue
from rulezero.dependencies.queue_consumer import QueueConsumer
from rulezero.dependencies.stream import Stream, call
from rulezero.toggles.stacks import Stack
from rulezero.toggles.store import ToggleStore
from tests.counters import Change
from tests.dependencies.fakes import LinkChanges
from tests.queue_server import QueueServer, queue_server

NAME = "mails"


class Pipe:
    """A link to a server: `hangs` holds what either side sends, `cut` breaks every connection."""

    def __init__(self, upstream: str) -> None:
        self.address = ""
        self.connections = 0
        self.flows = asyncio.Event()
        self.flows.set()
        self._upstream = upstream
        self._writers: set[asyncio.StreamWriter] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        host, _, port = self._upstream.partition(":")
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        self._writers.add(back)
        await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer), return_exceptions=True)

    def cut(self) -> None:
        """Break what is open; the next connection is let through."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self.flows.wait()
                writer.write(data)
        finally:
            writer.close()


@asynccontextmanager
async def piped(upstream: str) -> AsyncIterator[Pipe]:
    pipe = Pipe(upstream)
    server = await asyncio.start_server(pipe, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    pipe.address = f"{host}:{port}"
    try:
        yield pipe
    finally:
        server.close()
        pipe.flows.set()
        pipe.cut()
        await asyncio.sleep(0.01)  # Lets the handlers notice.


class Publisher:
    """A queue that is published to, and what was counted since this object was made."""

    def __init__(self, address: str, store: ToggleStore | None = None, *, link: str = "checkout-queue") -> None:
        store = store or ToggleStore(None, clock=lambda: 0.0)
        self.stream = Stream(NAME)
        made = Link(name=link, address=address, dependency="queue")
        self.changes = LinkChanges(made, "queue")
        surroundings: dict[str, Any] = {"caller": "checkout", "random": Random(0)}
        self.queue = Queue(
            made,
            self.stream,
            stack=Stack(store, family="call", dependency="queue", **surroundings),
            delivery=Stack(store, family="delivery", dependency=NAME, queue=self.stream, **surroundings),
        )
        self._published = {
            result: Change("messages_published_total", queue=NAME, result=result)
            for result in ("accepted", "refused", "failed")
        }

    @property
    def counted(self) -> dict[str, float]:
        """Publications by what became of them."""
        return {result: change() for result, change in self._published.items() if change()}

    async def ask(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the server's API."""
        return await call(self.queue._connection.ask, what, body)

    async def look(self) -> None:
        """Look after the stream once, as is done twice a second."""
        _ = self.queue._delivery.empty
        await self.stream.look_after(self.queue._connection.ask)

    async def stored(self) -> list[tuple[dict[str, str], Any]]:
        """Headers and bodies of the messages in the stream, in order."""
        state = (await self.ask(f"STREAM.INFO.{NAME}"))["state"]
        numbers = range(state["first_seq"], state["last_seq"] + 1) if state["messages"] else ()
        found = [(await self.ask(f"STREAM.MSG.GET.{NAME}", {"seq": number})).get("message") for number in numbers]
        return [(_headers(one["hdrs"]), orjson.loads(base64.b64decode(one["data"]))) for one in found if one]


def consumer_at(address: str, *, name: str = "mailer", link: str = "mailer-queue") -> QueueConsumer:
    return QueueConsumer(Link(name=link, address=address, dependency="queue"), Stream(NAME), name=name)


@asynccontextmanager
async def published_to(
    folder: Path, store: ToggleStore | None = None
) -> AsyncIterator[tuple[QueueServer, Pipe, Publisher]]:
    """Run a server, and a publisher behind a link."""
    async with queue_server(folder) as server, piped(server.address) as pipe, AsyncExitStack() as closing:
        publisher = Publisher(pipe.address, store)
        closing.push_async_callback(publisher.queue.close)
        await publisher.queue.open()
        yield server, pipe, publisher


async def soon(holds: Any, within_s: float = 3.0) -> bool:
    """Tell whether an awaitable condition comes to hold."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110 - another process sets no event.
                await asyncio.sleep(0.02)
            return True
    return False


def _headers(encoded: str) -> dict[str, str]:
    lines = base64.b64decode(encoded).decode().split("\r\n")[1:]
    return {name: value for name, _, value in (line.partition(": ") for line in lines if line)}
