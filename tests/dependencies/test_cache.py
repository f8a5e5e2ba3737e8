"""The real client against a server that speaks a little of the protocol."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import BlockingConnectionPool

from rulezero.calls import Operation
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.cache import Cache
from rulezero.dependencies.entries import encode
from rulezero.outcome import Failed, TimedOut
from rulezero.request_context import deadline_var
from tests.counters import Change
from tests.defences.fakes import cancel
from tests.dependencies.fakes import LinkChanges, stack, tcp_server

PUT: dict[str, Any] = {"ttl_s": 1.5, "keep_s": 0.5, "load_s": 0.1, "found": None}


class Redis:
    """Answers GET, PTTL and SET from a dictionary, everything else with OK; notes the commands."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}
        self.commands: list[list[bytes]] = []
        self.reads = 0
        self.mute = False
        self.breaks = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            sent = await reader.read(1 << 16)
            if not sent:
                return
            answers = b""
            commands = list(_commands(sent))
            self.reads += any(command[0] in {b"GET", b"SET"} for command in commands)
            for command in commands:
                if command[0] in {b"GET", b"PTTL", b"SET"}:
                    self.commands.append(command)
                    if self.breaks:
                        return
                    if self.mute:
                        continue
                answers += self._answer(command)
            writer.write(answers)

    def _answer(self, command: list[bytes]) -> bytes:
        name = command[0]
        value = self.entries.get(command[1]) if name in {b"GET", b"PTTL", b"SET"} else None
        if name == b"PTTL":
            return b":1500\r\n" if value is not None else b":-2\r\n"
        if name == b"HELLO":
            return b"%1\r\n$5\r\nproto\r\n:3\r\n"
        if name == b"SET":
            self.entries[command[1]] = command[2]
        if name in {b"GET", b"SET"}:
            return b"_\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
        return b"+PONG\r\n" if name == b"PING" else b"+OK\r\n"


def _commands(sent: bytes) -> list[list[bytes]]:
    """Return whole commands; the tests' are small enough to arrive in one piece."""
    found, lines = list[list[bytes]](), sent.split(b"\r\n")
    while lines and lines[0].startswith(b"*"):
        count = int(lines[0][1:])
        found.append([lines[2 + 2 * number] for number in range(count)])
        lines = lines[1 + 2 * count :]
    return found


def cache_on(address: str, **tables: Any) -> tuple[Cache, LinkChanges]:
    link = Link(name="edge-cache", address=address, dependency="cache")
    return Cache(link, stack=stack(dependency="cache", **tables)), LinkChanges(link, "cache")


@pytest.mark.wall_clock
async def test_an_entry_is_put_with_its_time_to_live_and_looked_up() -> None:
    """Fresh for its time to live, kept for longer; a missing one is None. One round trip each."""
    server = Redis()
    async with tcp_server(server) as address:
        cache, changes = cache_on(address)
        await cache.open()
        assert await cache.look_up("a") is None
        assert await cache.put("a", b"\x00\xff", **PUT)
        entry = await cache.look_up("a")
        await cache.close()
    assert entry is not None
    assert (entry.value, entry.load_s, entry.fresh_s) == (b"\x00\xff", 0.1, 1.0)
    assert [command[0] for command in server.commands] == [b"GET", b"PTTL", b"SET", b"GET", b"PTTL"]
    assert server.commands[2][3:] == [b"GET", b"PX", b"2000"]
    assert server.reads == 3
    assert (changes.attempts, changes.outcomes) == ((4, 0), {"ok": 4})


@pytest.mark.wall_clock
async def test_a_put_tells_whether_somebody_else_was_faster() -> None:
    """It replaced nothing or what its loader had found; or else another's."""
    server = Redis()
    async with tcp_server(server) as address:
        cache, _ = cache_on(address)
        assert await cache.put("a", b"1", **PUT)
        first = await cache.look_up("a")
        assert first is not None
        assert await cache.put("a", b"2", **{**PUT, "found": first.version})
        assert not await cache.put("a", b"2", **{**PUT, "found": first.version})
        assert not await cache.put("a", b"2", **PUT)
        server.entries[b"a"] = b"not ours"
        assert await cache.put("a", b"3", **PUT)
        del server.entries[b"a"]
        assert await cache.put("a", b"3", **{**PUT, "found": first.version})
        await cache.close()


@pytest.mark.wall_clock
async def test_a_put_is_sent_once() -> None:
    """A copy that comes late would overwrite what somebody has put since; a look-up may be repeated."""
    server = Redis()
    async with tcp_server(server) as address:
        cache, changes = cache_on(address, retry={"base_s": 0.001, "attempts_max": 2}, timeout={"timeout_s": 0.1})
        server.mute = True
        with pytest.raises(TimedOut):
            await cache.put("a", b"1", **PUT)
        assert changes.attempts == (1, 0)
        with pytest.raises(TimedOut):
            await cache.look_up("a")
        assert changes.attempts == (2, 1)
        await cache.close()
    assert [command[0] for command in server.commands].count(b"SET") == 1


@pytest.mark.wall_clock
async def test_those_who_wait_for_a_connection_are_counted() -> None:
    """The pool's line is a queue: it has a gauge, and no time limit that nobody switched on."""
    server, pending = Redis(), Change("db_client_connection_pending_requests", pool="edge-cache")
    server.mute = True
    async with tcp_server(server) as address:
        cache, _ = cache_on(address)
        readers = [asyncio.create_task(cache.look_up("a")) for _ in range(35)]
        async with asyncio.timeout(30):
            while len(server.commands) < 2 * 32:  # noqa: ASYNC110 - a server that only notes has no event to give.
                await asyncio.sleep(0.01)
        assert pending() == 3
        pool = cache._redis.connection_pool
        assert isinstance(pool, BlockingConnectionPool)
        assert pool.timeout is None
        await cancel(*readers)
        await cache.close()
    assert pending() == 0


@pytest.mark.wall_clock
async def test_what_lies_there_and_is_none_of_ours_is_a_miss() -> None:
    """It is replaced by the next load."""
    server = Redis()
    server.entries[b"a"] = b"[]"
    async with tcp_server(server) as address:
        cache, _ = cache_on(address)
        assert await cache.look_up("a") is None
        await cache.close()


@pytest.mark.wall_clock
async def test_a_command_whose_connection_breaks_is_not_silently_sent_again() -> None:
    """The driver can retry; it must not."""
    server = Redis()
    async with tcp_server(server) as address:
        cache, changes = cache_on(address)
        await cache.put("a", b"1", **PUT)
        server.breaks = True
        with pytest.raises(Failed):
            await cache.look_up("a")
        assert len(server.commands) == 2
        with pytest.raises(Failed):
            await cache.put("a", b"2", **PUT)
        assert len(server.commands) == 3
        server.breaks = False
        assert await cache.look_up("a") is not None
        await cache.close()
    assert changes.outcomes == {"ok": 2, "error": 2}


@pytest.mark.wall_clock
async def test_a_cache_that_is_not_there_is_a_failed_call() -> None:
    """Each counts as one attempt."""
    cache, changes = cache_on("127.0.0.1:1")
    calls = (
        cache.look_up("a"),
        cache.put("a", b"1", **PUT),
        cache.acquire_lease("a", owner="x", lease_s=1),
        cache.release_lease("a", "x"),
        cache.open(),
    )
    for call in calls:
        with pytest.raises(Failed):
            await call
    assert (changes.attempts, changes.outcomes) == ((5, 0), {"error": 5})
    await cache.close()


@pytest.mark.wall_clock
async def test_the_answer_to_a_call_that_was_given_up_is_nobody_else_s() -> None:
    """The connection of a cancelled command is not used again as if nothing had happened."""
    server = Redis()
    server.entries = {
        key.encode(): encode(key.upper().encode(), version=key, load_s=0.1, keep_s=0.0) for key in ("a", "b")
    }
    async with tcp_server(server) as address:
        cache, changes = cache_on(address, timeout={"timeout_s": 0.1})
        server.mute = True
        with pytest.raises(TimedOut):
            await cache.look_up("a")
        server.mute = False
        found = [await cache.look_up(key) for key in ("b", "a", "b")]
        await cache.close()
    assert [entry.value if entry else None for entry in found] == [b"B", b"A", b"B"]
    assert changes.outcomes == {"timeout": 1, "ok": 3}


@pytest.mark.wall_clock
async def test_the_driver_has_no_timeout_of_its_own() -> None:
    """Its default of 5 s would be a defence that nobody switched on."""
    cache, _ = cache_on("127.0.0.1:1")
    connection = cache._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # The driver's.
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (None, None)
    assert connection.retry.get_retries() == 0
    await cache.close()


async def test_operations_name_the_cache() -> None:
    """Its defences are those of the dependency "cache"; what is not to be repeated says so."""
    cache, _ = cache_on("127.0.0.1:1")
    seen: list[Operation] = []

    async def call(operation: Operation, send: object) -> Any:  # noqa: ARG001 - the names are the stack's.
        seen.append(operation)
        return (None, -2) if operation.name == "GET" else None

    cache._stack.call = call  # type: ignore[method-assign]  # A fake.
    deadline_var.set(3.0)
    await cache.look_up("a")
    await cache.put("a", b"1", **PUT)
    await cache.acquire_lease("a", owner="x", lease_s=1)
    await cache.release_lease("a", "token")
    assert {(one.dependency, one.deadline_s) for one in seen} == {("cache", 3.0)}
    assert [(one.name, one.idempotent) for one in seen] == [
        ("GET", True),
        ("SET", False),
        ("SET NX", False),
        ("EVAL", True),
    ]


@pytest.mark.wall_clock
async def test_a_look_up_is_not_hedged() -> None:
    """There is one cache: its copy would take another connection to where the first one hangs."""
    server = Redis()
    server.mute = True
    async with tcp_server(server) as address:
        cache, changes = cache_on(address, hedging={"delay_s": 0.01, "extra_load_max": 1.0})
        looking_up = asyncio.create_task(cache.look_up("a"))
        await asyncio.sleep(0.1)
        await cancel(looking_up)
        await cache.close()
    assert (changes.attempts, changes.hedges) == ((1, 0), 0)
