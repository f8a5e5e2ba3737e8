"""When a part is ready: asked over its own protocol, at short and growing intervals."""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable

from rulezero.lab.ports import LOOPBACK

Probe = Callable[[], Awaitable[bool]]

_ATTEMPT_TIMEOUT_S = 2.0
_INTERVAL_MIN_S = 0.005
_INTERVAL_MAX_S = 0.05
_PROTOCOL_3 = 196608
_AUTHENTICATION = b"R"
_ANSWER_BYTES_MAX = 65536


async def until(probe: Probe) -> None:
    """Return when the probe says yes. The caller bounds the time."""
    interval_s = _INTERVAL_MIN_S
    while True:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_ATTEMPT_TIMEOUT_S):
                if await probe():
                    return
        await asyncio.sleep(interval_s)
        interval_s = min(2 * interval_s, _INTERVAL_MAX_S)


def accepts(port: int) -> Probe:
    """Return a probe for a server that is ready once it accepts connections."""

    async def probe() -> bool:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.close()
        return True

    return probe


def answers_postgres(port: int, user: str, database: str) -> Probe:
    """Return a probe that is content with an answer to the start-up packet other than an error.

    While PostgreSQL recovers it accepts connections and answers 57P03. Source: PostgreSQL manual, message formats.
    """
    words = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database)) + b"\0"
    packet = struct.pack("!II", len(words) + 8, _PROTOCOL_3) + words

    async def probe() -> bool:
        return await _exchange(port, packet, len(_AUTHENTICATION)) == _AUTHENTICATION

    return probe


def answers_ping(port: int) -> Probe:
    """Return a probe for a Valkey or Redis server."""

    async def probe() -> bool:
        return await _exchange(port, b"PING\r\n", 5) == b"+PONG"

    return probe


def answers_nats(port: int) -> Probe:
    """Return a probe for a NATS server, which is the first to speak."""

    async def probe() -> bool:
        return await _exchange(port, b"", len(b"INFO ")) == b"INFO "

    return probe


def answers_with_success(port: int, path: str) -> Probe:
    """Return a probe for a server whose page says 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> bool:
        return (await _exchange(port, request, len("HTTP/1.1 200"))).endswith(b" 200")

    return probe


def answers_health(port: int) -> Probe:
    """Return a probe for an admin port whose /health says 200."""
    return answers_with_success(port, "/health")


def scrapes(port: int) -> Probe:
    """Return a probe for a Prometheus that has begun to scrape, which is some seconds after it is ready to answer."""
    page = "/api/v1/query?query=up%7Bjob=%22prometheus%22%7D"
    request = f"GET {page} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode()

    async def probe() -> bool:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(request)
            return b'"value"' in await reader.read(_ANSWER_BYTES_MAX)  # An answer of this size comes in one piece.
        finally:
            writer.close()

    return probe


async def _exchange(port: int, question: bytes, size: int) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(question)
        return await reader.readexactly(size)
    finally:
        writer.close()
