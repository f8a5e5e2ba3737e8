"""The real client against a server that speaks a little of the protocol."""

import asyncio

import pytest

from rulezero.calls import Operation
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.cache import Cache
from rulezero.outcome import Failed, TimedOut
from rulezero.request_context import deadline_var
from tests.dependencies.fakes import LinkChanges, stack, tcp_server


class Redis:
    """Answers GET and SET from a dictionary, everything else with OK; notes the commands."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}
        self.commands: list[list[bytes]] = []
        self.mute = False
        self.breaks = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            count = int((await reader.readuntil(b"\r\n"))[1:])
            command = []
            for _ in range(count):
                length = int((await reader.readuntil(b"\r\n"))[1:])
                command.append((await reader.readexactly(length + 2))[:-2])
            name = command[0].upper()
            if name in {b"GET", b"SET"}:
                self.commands.append(command)
                if self.breaks:
                    return
                if self.mute:
                    continue
            writer.write(self._answer(name, command))

    def _answer(self, name: bytes, command: list[bytes]) -> bytes:
        if name == b"GET":
            value = self.entries.get(command[1])
            return b"_\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
        if name == b"HELLO":
            return b"%1\r\n$5\r\nproto\r\n:3\r\n"
        if name == b"SET":
            self.entries[command[1]] = command[2]
        return b"+PONG\r\n" if name == b"PING" else b"+OK\r\n"


def cache_on(address: str, *, timeout_s: float | None = None) -> tuple[Cache, LinkChanges]:
    link = Link(name="edge-cache", address=address, dependency="cache")
    calls = stack(dependency="cache", timeout={"timeout_s": timeout_s}) if timeout_s else stack(dependency="cache")
    return Cache(link, stack=calls), LinkChanges(link, "cache")


@pytest.mark.wall_clock
async def test_an_entry_is_put_with_its_time_to_live_and_got() -> None:
    """In milliseconds; a missing one is None."""
    server = Redis()
    async with tcp_server(server) as address:
        cache, changes = cache_on(address)
        await cache.open()
        assert await cache.get("a") is None
        await cache.put("a", b"\x00\xff", ttl_s=1.5)
        assert await cache.get("a") == b"\x00\xff"
        await cache.close()
    assert server.commands[1] == [b"SET", b"a", b"\x00\xff", b"PX", b"1500"]
    assert (changes.attempts, changes.outcomes) == ((4, 0), {"ok": 4})


@pytest.mark.wall_clock
async def test_a_command_whose_connection_breaks_is_not_silently_sent_again() -> None:
    """The driver can retry; it must not."""
    server = Redis()
    async with tcp_server(server) as address:
        cache, changes = cache_on(address)
        await cache.put("a", b"1", ttl_s=1)
        server.breaks = True
        with pytest.raises(Failed):
            await cache.get("a")
        assert len(server.commands) == 2
        server.breaks = False
        assert await cache.get("a") == b"1"
        await cache.close()
    assert changes.outcomes == {"ok": 2, "error": 1}


@pytest.mark.wall_clock
async def test_a_cache_that_is_not_there_is_a_failed_call() -> None:
    """Each counts as one attempt."""
    cache, changes = cache_on("127.0.0.1:1")
    for call in (cache.get("a"), cache.put("a", b"1", ttl_s=1), cache.open()):
        with pytest.raises(Failed):
            await call
    assert (changes.attempts, changes.outcomes) == ((3, 0), {"error": 3})
    await cache.close()


@pytest.mark.wall_clock
async def test_the_answer_to_a_call_that_was_given_up_is_nobody_else_s() -> None:
    """The connection of a cancelled command is not used again as if nothing had happened."""
    server = Redis()
    server.entries = {b"a": b"A", b"b": b"B"}
    async with tcp_server(server) as address:
        cache, changes = cache_on(address, timeout_s=0.1)
        server.mute = True
        with pytest.raises(TimedOut):
            await cache.get("a")
        server.mute = False
        assert [await cache.get(key) for key in ("b", "a", "b")] == [b"B", b"A", b"B"]
        await cache.close()
    assert changes.outcomes == {"cancelled": 1, "ok": 3}


@pytest.mark.wall_clock
async def test_the_driver_has_no_timeout_of_its_own() -> None:
    """Its default of 5 s would be a defence that nobody switched on."""
    cache, _ = cache_on("127.0.0.1:1")
    connection = cache._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # The driver's.
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (None, None)
    assert connection.retry.get_retries() == 0
    await cache.close()


async def test_operations_name_the_cache() -> None:
    """Its defences are those of the dependency "cache"."""
    cache, _ = cache_on("127.0.0.1:1")
    seen: list[Operation] = []

    async def call(operation: Operation, send: object) -> bytes:  # noqa: ARG001 - the names are the stack's.
        seen.append(operation)
        return b""

    cache._stack.call = call  # type: ignore[method-assign]  # A fake.
    deadline_var.set(3.0)
    await cache.get("a")
    await cache.put("a", b"1", ttl_s=1)
    assert [(one.name, one.dependency, one.deadline_s, one.idempotent) for one in seen] == [
        ("GET", "cache", 3.0, True),
        ("SET", "cache", 3.0, True),
    ]
