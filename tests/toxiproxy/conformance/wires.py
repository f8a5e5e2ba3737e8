"""Upstreams, proxies and clients on real sockets, all closed at the end of the test."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, cast

from tests.toxiproxy.conformance.server_process import Api

PATIENCE_S = 10.0
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Client:
    """One connection through a proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def pause(self) -> None:
        """Stop taking data from the socket."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def resume(self) -> None:
        """Take data from the socket again."""
        cast("asyncio.Transport", self.writer.transport).resume_reading()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), PATIENCE_S)

    async def receive(self, count: int) -> bytes:
        """Wait for so many bytes."""
        return await asyncio.wait_for(self.reader.readexactly(count), PATIENCE_S)

    async def receive_all(self) -> bytes:
        """Read to the end, which may be a reset."""
        parts = []
        with contextlib.suppress(ConnectionError):
            while part := await asyncio.wait_for(self.reader.read(65536), PATIENCE_S):
                parts.append(part)
        return b"".join(parts)

    async def is_silent(self, for_s: float) -> bool:
        """Whether nothing comes, not even the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.reader.read(1), for_s)
            return False
        return True

    async def exchange_s(self, data: bytes = b"ping") -> float:
        """Send data to an echo; return the seconds until it is back."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await self.send(data)
        assert await self.receive(len(data)) == data
        return loop.time() - started_s


class Wires:
    """`async with Wires(api) as wires`."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._servers: list[asyncio.Server] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for task in self._handlers:
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        for writer in self._writers:
            if not writer.is_closing() or writer.transport.get_write_buffer_size():
                writer.transport.abort()
        await asyncio.sleep(0.01)  # Let the transports close.

    async def serve(self, handler: Handler) -> int:
        """Start an upstream; return its port."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._handlers.add(task)
            self._writers.append(writer)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)

        server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1 << 16)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def proxy(self, upstream_port: int, name: str = "p") -> int:
        """Make a proxy; return the port it listens on."""
        body = {"name": name, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream_port}"}
        listen: str = self.api.must("POST", "/proxies", body)["listen"]
        return int(listen.rpartition(":")[2])

    async def connect(self, port: int) -> Client:
        """Open a connection."""
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE_S)
        self._writers.append(writer)
        return Client(reader, writer)

    async def client_of(self, handler: Handler) -> Client:
        """Start an upstream and a proxy named `p`; return a connection through both."""
        return await self.connect(self.proxy(await self.serve(handler)))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send everything back, then close."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def hold(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Keep the connection open until the client ends it."""
    await reader.read()


def sender_of(data: bytes, *, close: bool = True) -> Handler:
    """Return an upstream that sends data at once."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()
        else:
            await reader.read()

    return send


class Recorder:
    """An upstream that keeps what it receives and notes the end."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(65536):
                self.data += part
        finally:
            self.ended.set()
            writer.close()

    async def wait_end(self) -> bytes:
        """Wait for the end of the data."""
        await asyncio.wait_for(self.ended.wait(), PATIENCE_S)
        return bytes(self.data)
