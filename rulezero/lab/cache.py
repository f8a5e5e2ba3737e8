"""How the lab runs its cache, Valkey or Redis: nothing is written to disk, and memory is bounded."""

import asyncio
from pathlib import Path

from rulezero.lab.ports import LOOPBACK

_FLUSH_TIMEOUT_S = 5.0
_OPTIONS = {
    "--bind": LOOPBACK,
    "--save": "",
    "--appendonly": "no",
    "--daemonize": "no",
    "--maxmemory": "64mb",
    "--maxmemory-policy": "allkeys-lru",
}


def server_command(program: Path, port: int) -> list[str]:
    """Return the command of a cache server."""
    return [str(program), "--port", str(port), *(word for option in _OPTIONS.items() for word in option)]


async def flush(port: int) -> None:
    """Forget everything. Raises OSError, EOFError or TimeoutError."""
    async with asyncio.timeout(_FLUSH_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(b"FLUSHALL\r\n")
            await reader.readuntil(b"+OK\r\n")
        finally:
            writer.close()
