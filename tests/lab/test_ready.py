import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from rulezero.lab import ready
from rulezero.lab.ports import LOOPBACK

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def test_a_probe_is_repeated_at_growing_intervals_until_it_says_yes() -> None:
    """Errors and refusals are only reasons to ask again."""
    clock = asyncio.get_running_loop().time
    asked_s: list[float] = []

    async def probe() -> bool:
        asked_s.append(clock())
        if len(asked_s) == 2:
            raise ConnectionRefusedError
        return len(asked_s) == 8

    await ready.until(probe)
    gaps_s = [after - before for before, after in pairwise(asked_s)]
    assert gaps_s == pytest.approx([0.005, 0.01, 0.02, 0.04, 0.05, 0.05, 0.05])


def saying(answer: bytes) -> Answer:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        writer.close()

    return respond


@pytest.mark.wall_clock
@pytest.mark.parametrize(
    ("probe", "answer", "ok"),
    [
        (ready.answers_health, b"HTTP/1.1 200 OK\r\n\r\n", True),
        (ready.answers_health, b"HTTP/1.0 200 OK\r\n\r\n", True),
        (ready.answers_health, b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (ready.scrapes, b'HTTP/1.0 200 OK\r\n\r\n{"result":[{"value":[1,"1"]}]}', True),
        (ready.scrapes, b'HTTP/1.0 200 OK\r\n\r\n{"result":[]}', False),
        (ready.answers_ping, b"+PONG\r\n", True),
        (ready.answers_ping, b"-LOADING\r\n", False),
        (lambda port: ready.answers_postgres(port, "u", "d"), b"R\0\0\0\x08\0\0\0\0", True),
        (lambda port: ready.answers_postgres(port, "u", "d"), b"E\0\0\0\x0857P03", False),
    ],
)
async def test_each_server_is_asked_in_its_own_words(
    probe: Callable[[int], ready.Probe],
    answer: bytes,
    ok: bool,  # noqa: FBT001 - a case.
) -> None:
    """Accepting connections is not being ready."""
    server = await asyncio.start_server(saying(answer), LOOPBACK, 0)
    async with server:
        assert await probe(server.sockets[0].getsockname()[1])() is ok
