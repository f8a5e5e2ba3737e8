"""How the lab runs its queue, NATS with JetStream: messages are kept in memory, which is bounded.

As with the cache, nothing outlives the server. The limit is that of the server as a whole; a stream has none unless
somebody gives it one.
"""

import asyncio
from pathlib import Path
from typing import Any

import orjson

from rulezero.lab.ports import LOOPBACK

CONFIGURATION = "queue.conf"
_STORE = "queue"
_MEMORY = "32MB"
_TIMEOUT_S = 5.0
_INBOX = b"_INBOX.lab"


def configuration(folder: Path, port: int) -> str:
    """Return the server's configuration; `folder` is where it keeps what it must keep on disk."""
    limits = f"max_memory_store: {_MEMORY}, max_file_store: {_MEMORY}"
    return (
        f'listen: "{LOOPBACK}:{port}"\n'
        'server_name: "queue"\n'
        f'jetstream {{ store_dir: "{folder / _STORE}", {limits} }}\n'
    )  # fmt: skip


def server_command(program: Path, folder: Path) -> list[str]:
    """Return the command of a server whose configuration lies in `folder`."""
    return [str(program), "--config", str(folder / CONFIGURATION)]


async def empty(port: int) -> None:
    """Delete every stream, and with it its messages and consumers.

    Raises OSError, EOFError, TimeoutError, or ValueError with what the server said.
    """
    async with asyncio.timeout(_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(b'CONNECT {"verbose":false}\r\nSUB %s 1\r\n' % _INBOX)
            listed = await _ask(reader, writer, "NAMES")
            for name in listed.get("streams") or ():
                deleted = await _ask(reader, writer, f"DELETE.{name}")
                if not deleted.get("success"):
                    raise ValueError(f"{name}: {deleted.get('error')}")
        finally:
            writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: str) -> dict[str, Any]:
    """Return the answer to one request of the JetStream API, which is JSON over publish and subscribe."""
    writer.write(b"PUB $JS.API.STREAM.%s %s 0\r\n\r\n" % (what.encode(), _INBOX))
    while True:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the queue server hung up")
        if line.startswith(b"MSG "):
            size = int(line.split()[-1])
            answer: dict[str, Any] = orjson.loads(await reader.readexactly(size))
            await reader.readexactly(2)
            return answer
        if line.startswith(b"PING"):
            writer.write(b"PONG\r\n")
        elif line.startswith(b"-ERR"):
            raise ValueError(line.decode(errors="replace").strip())
