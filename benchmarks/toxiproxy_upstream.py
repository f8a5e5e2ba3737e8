"""What stands behind the proxies in the Toxiproxy benchmark: one port that answers requests, one that streams.

A process of its own, `python -m benchmarks.toxiproxy_upstream`, that says its two ports and runs until it is killed.
"""

import asyncio
import sys
from typing import Final, cast

import uvloop

REQUEST: Final = b"GET /items/1234 HTTP/1.1\r\nHost: catalog\r\n".ljust(116, b"x") + b"\r\n\r\n"
RESPONSE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n".ljust(250, b"y")
CHUNK: Final = bytes(256 * 1024)


class Answering(asyncio.Protocol):
    """Answers every request; they come one at a time."""

    def __init__(self) -> None:
        self._received_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer a request that is complete."""
        self._received_bytes += len(data)
        if self._received_bytes >= len(REQUEST):
            self._received_bytes -= len(REQUEST)
            self._transport.write(RESPONSE)


class Streaming(asyncio.Protocol):
    """Sends as much as the other side takes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._full = False
        self._fill()

    def pause_writing(self) -> None:
        """Wait."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._fill()

    def _fill(self) -> None:
        while not self._full and not self._transport.is_closing():
            self._transport.write(CHUNK)


async def serve() -> None:
    """Say the ports, answering and streaming, and run."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(kind, "127.0.0.1", 0, backlog=1024) for kind in (Answering, Streaming)]
    sys.stdout.write(" ".join(str(server.sockets[0].getsockname()[1]) for server in servers) + "\n")
    sys.stdout.flush()
    await loop.create_future()


if __name__ == "__main__":
    uvloop.run(serve())
