"""A small HTTP server in the test's own event loop, whose answers can be held back or spoilt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SERVICE_S = 0.005
NORMAL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class StallableServer:
    """Answers each request after 5 ms, or when the stall is over; `answers` by path replace the normal one.

    An empty answer never comes; one that ends in a NUL byte is followed by the end of the connection.
    """

    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    stall_s: tuple[float, float] = (0.0, 0.0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(_body_length(head)))
                await self._work()
                answer = self.answers.get(head.split()[1], NORMAL)
                writer.write(answer.rstrip(b"\0"))
                if answer.endswith(b"\0"):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(SERVICE_S)
        start_s, end_s = self.stall_s
        if start_s <= loop.time() < end_s:
            await asyncio.sleep(end_s - loop.time())


def _body_length(head: str) -> int:
    lengths = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length")]
    return int(lengths[0]) if lengths else 0


@asynccontextmanager
async def stallable_server() -> AsyncIterator[StallableServer]:
    server = StallableServer()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=2048)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
