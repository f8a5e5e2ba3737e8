"""A real cache server, for the tests of what speaks to one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from rulezero.lab.cache import server_command
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.lab.programs import find_cache_server


@asynccontextmanager
async def cache_server(folder: Path) -> AsyncIterator[str]:
    """Run a server and give its address."""
    ports = Ports()
    port = ports.reserve()
    command = server_command(find_cache_server(), port)
    server = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(10):
            await _answering(port)
        yield f"{LOOPBACK}:{port}"
    finally:
        server.kill()
        await server.wait()
        ports.close()


async def _answering(port: int) -> None:
    async with Redis(host=LOOPBACK, port=port) as client:
        while True:
            try:
                await client.ping()
            except RedisError:
                await asyncio.sleep(0.02)
            else:
                return
