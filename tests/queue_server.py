"""A real queue server, for the tests of what speaks to one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rulezero.lab import queue, ready
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.lab.programs import find_queue_server


class QueueServer:
    """A server that can be stopped and started again at its address."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.address = f"{LOOPBACK}:{port}"
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, without any stream."""
        (self._folder / queue.CONFIGURATION).write_text(queue.configuration(self._folder, self.port), encoding="utf-8")
        command = queue.server_command(find_queue_server(), self._folder)
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
        async with asyncio.timeout(10):
            await ready.until(ready.answers_nats(self.port))

    async def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@asynccontextmanager
async def queue_server(folder: Path) -> AsyncIterator[QueueServer]:
    """Run a server."""
    ports = Ports()
    server = QueueServer(folder, ports.reserve())
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        ports.close()
