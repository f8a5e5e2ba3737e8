"""Against small servers on loopback that speak just enough HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from rulezero.defences.bulkhead import BulkheadFull
from rulezero.defences.timeout import AttemptTimedOut
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.http import HttpDependency, HttpReply, open_session
from rulezero.outcome import CallError, Failed, Rejected, TimedOut, Unreachable
from rulezero.request_context import deadline_var, now_s
from rulezero.toggles.stacks import Stack
from tests.defences.fakes import cancel
from tests.dependencies.fakes import LinkChanges, Server, read_request, response, stack, tcp_server

pytestmark = pytest.mark.wall_clock


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001 - asyncio's names.
    await reader.read()


@asynccontextmanager
async def dependency_on(
    *addresses: str, calls: Stack | None = None
) -> AsyncIterator[tuple[HttpDependency, list[LinkChanges]]]:
    links = [Link(name=f"edge-http-{n}", address=one, dependency="http") for n, one in enumerate(addresses)]
    session = open_session()
    try:
        calls = calls or stack(dependency="http")
        yield (
            HttpDependency(links, name="http", stack=calls, session=session),
            [LinkChanges(link, "http") for link in links],
        )
    finally:
        await session.close()


async def ask(dependency: HttpDependency, *, idempotent: bool = True) -> HttpReply:
    return await dependency.request("GET", "/items/1", route="/items/{item}", idempotent=idempotent)


@pytest.mark.parametrize("status", [200, 201, 204, 302, 304, 400, 404, 409])
async def test_what_is_no_failure_is_a_reply(status: int) -> None:
    """Also a 4xx: the dependency is well, and the caller knows what to make of it."""
    body = b"" if status in {204, 304} else b'{"a":1}'
    server = Server(response(status, "Location: /elsewhere\r\n", body))
    async with tcp_server(server) as address, dependency_on(address) as (dependency, (changes,)):
        reply = await ask(dependency)
    assert (reply.status, reply.body) == (status, body)
    assert changes.outcomes == {"ok": 1}
    assert len(server.asked) == 1, "a redirect was followed past the link"


@pytest.mark.parametrize(
    ("status", "headers", "kind", "retry_after_s"),
    [
        (429, "", Rejected, None),
        (429, "Retry-After: 2\r\n", Rejected, 2.0),
        (429, "X-Outcome: timeout\r\n", Rejected, None),
        (503, "", Failed, None),
        (503, "Retry-After: 1.5\r\n", Failed, 1.5),
        (503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", Failed, None),
        (503, "X-Outcome: rejected\r\n", Rejected, None),
        (503, "X-Outcome: rejected\r\nRetry-After: 3\r\n", Rejected, 3.0),
        (503, "X-Outcome: nonsense\r\n", Failed, None),
        (504, "X-Outcome: timeout\r\n", TimedOut, None),
        (504, "", Failed, None),
        (502, "X-Outcome: error\r\n", Failed, None),
        (500, "", Failed, None),
    ],
)
async def test_a_failure_becomes_the_outcome_that_it_says(
    status: int, headers: str, kind: type[CallError], retry_after_s: float | None
) -> None:
    """Whoever answered may have acted before, one that says no included: a dependency of its own may have refused."""
    async with (
        tcp_server(Server(response(status, headers))) as address,
        dependency_on(address) as (dependency, (changes,)),
    ):
        with pytest.raises(CallError) as caught:
            await ask(dependency)
    assert type(caught.value) is kind
    assert caught.value.retry_after_s == retry_after_s
    assert not caught.value.definite
    assert changes.outcomes == {kind.outcome.value: 1}


async def test_a_refused_connection_definitely_did_nothing() -> None:
    """So even what must not be repeated may be."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with dependency_on(address) as (dependency, (changes,)):
            with pytest.raises(Unreachable) as caught:
                await ask(dependency)
    assert caught.value.definite
    assert (changes.attempts, changes.outcomes) == ((1, 0), {"error": 1})


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200", response(200, "", b"x" * 1000)[:-500], response(200)[:-1], b"\x16\x03\x01nonsense\r\n\r\n"],
)
async def test_a_connection_that_breaks_off_is_a_failure_of_unknown_effect(data: bytes) -> None:
    """Before, within the head or within the body: half an answer is none."""

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(data)
        await writer.drain()

    async with tcp_server(break_off) as address, dependency_on(address) as (dependency, (changes,)):
        with pytest.raises(Failed) as caught:
            await ask(dependency)
    assert not caught.value.definite
    assert not isinstance(caught.value, Unreachable)
    assert (changes.attempts, changes.outcomes) == ((1, 0), {"error": 1})


async def test_a_body_that_comes_in_pieces_is_read_to_its_end() -> None:
    """A slow link slices it; and the connection is used again afterwards."""
    body, connections = bytes(range(256)) * 400, 0

    async def slice_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            data = response(200, "", body)
            for start in range(0, len(data), 20_000):
                writer.write(data[start : start + 20_000])
                await writer.drain()
                await asyncio.sleep(0.005)

    async with tcp_server(slice_up) as address, dependency_on(address) as (dependency, _):
        for _ in range(2):
            assert (await ask(dependency)).body == body
    assert connections == 1


async def test_an_answer_has_a_greatest_size() -> None:
    """Beyond it, it is a failure and not half an answer."""
    async with tcp_server(Server(response(200, "", b"x" * 1_000_001))) as address, dependency_on(address) as (one, _):
        with pytest.raises(Failed, match="over 1000000 bytes"):
            await ask(one)


async def test_a_call_that_hangs_counts_as_attempt_and_when_cancelled_as_cancelled() -> None:
    """Without a timeout it would hang for ever."""
    async with tcp_server(hang) as address, dependency_on(address) as (dependency, (changes,)):
        task = asyncio.create_task(ask(dependency))
        await asyncio.sleep(0.1)
        assert (changes.attempts, changes.outcomes) == ((1, 0), {})
        await cancel(task)
        assert (changes.attempts, changes.outcomes) == ((1, 0), {"cancelled": 1})


async def test_an_attempt_given_up_by_the_timeout_frees_its_connection() -> None:
    """It is counted as what the caller sees."""
    calls = stack(dependency="http", timeout={"timeout_s": 0.1})
    async with tcp_server(hang) as address, dependency_on(address, calls=calls) as (dependency, (changes,)):
        with pytest.raises(AttemptTimedOut):
            await ask(dependency)
        assert changes.outcomes == {"timeout": 1}
        assert not dependency._session.connector._acquired  # type: ignore[union-attr]  # The session is open.


async def test_a_retry_goes_to_the_next_link_and_takes_nobodys_turn() -> None:
    """First attempts are split evenly: were the turn the retries' too, all of them would meet the bad link."""
    calls = stack(dependency="http", retry={"attempts_max": 3, "base_s": 0.001})
    good, bad = Server(response(200)), Server(response(500))
    async with (
        tcp_server(good) as first,
        tcp_server(bad) as second,
        dependency_on(first, second, calls=calls) as (dependency, changes),
    ):
        for _ in range(4):
            assert (await ask(dependency)).status == 200
    assert [one.attempts for one in changes] == [(2, 2), (2, 0)]
    assert [one.outcomes for one in changes] == [{"ok": 4}, {"error": 2}]


async def test_pitfall_a_copy_goes_to_another_link() -> None:
    """The same replica chosen again would be as slow again; here the first one hangs, for every second caller."""
    calls = stack(dependency="http", hedging={"delay_s": 0.05, "extra_load_max": 1.0})
    good = Server(response(200))
    async with (
        tcp_server(hang) as first,
        tcp_server(good) as second,
        dependency_on(first, second, calls=calls) as (dependency, changes),
    ):
        for _ in range(4):
            assert (await ask(dependency)).status == 200
        await asyncio.sleep(0.05)
    assert [(one.attempts, one.hedges) for one in changes] == [((2, 0), 0), ((2, 0), 2)]
    assert [one.outcomes for one in changes] == [{"cancelled": 2}, {"ok": 4}]


async def test_with_one_link_there_is_nowhere_to_send_a_copy() -> None:
    """So a slow call is waited for."""
    calls = stack(dependency="http", hedging={"delay_s": 0.01, "extra_load_max": 1.0})

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.sleep(0.1)
        writer.write(response(200))

    async with tcp_server(slow) as address, dependency_on(address, calls=calls) as (dependency, (changes,)):
        assert (await ask(dependency)).status == 200
    assert (changes.attempts, changes.hedges) == ((1, 0), 0)


async def test_attempts_go_round_the_links_before_any_is_tried_again() -> None:
    """Whatever other calls do meanwhile: of six attempts at each of five calls, two go to each of three links."""
    calls = stack(dependency="http", retry={"attempts_max": 6, "base_s": 0.001})
    bad = [Server(response(500)) for _ in range(3)]
    async with (
        tcp_server(bad[0]) as first,
        tcp_server(bad[1]) as second,
        tcp_server(bad[2]) as third,
        dependency_on(first, second, third, calls=calls) as (dependency, changes),
    ):
        results = await asyncio.gather(*(ask(dependency) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, Failed) for result in results)
    assert [one.attempts[0] for one in changes] == [2, 2, 1]
    assert [len(one.asked) for one in bad] == [10, 10, 10]


async def test_a_kept_connection_that_died_is_not_silently_asked_again() -> None:
    """A hidden second attempt would be a defence that nobody switched on, and could charge twice."""
    requests = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1
        writer.write(response(200))
        await read_request(reader)
        requests += 1  # Then close without a word, as a server does that times a connection out.

    async with tcp_server(answer_once) as address, dependency_on(address) as (dependency, (changes,)):
        assert (await ask(dependency)).status == 200
        with pytest.raises(Failed) as caught:
            await ask(dependency)
        assert not caught.value.definite
        assert requests == 2
        assert (changes.attempts, changes.outcomes) == ((2, 0), {"ok": 1, "error": 1})
        assert (await ask(dependency)).status == 200


async def test_the_session_has_no_limits_and_no_timeouts_of_its_own() -> None:
    """300 calls that hang are 300 connections; each hidden bound would be a defence."""
    connected, all_there = 0, asyncio.Event()

    async def hang_and_count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001 - asyncio's.
        nonlocal connected
        connected += 1
        if connected == 300:
            all_there.set()
        await reader.read()

    async with tcp_server(hang_and_count) as address, dependency_on(address) as (dependency, _):
        tasks = [asyncio.create_task(ask(dependency)) for _ in range(300)]
        await asyncio.wait_for(all_there.wait(), 5)
        await cancel(*tasks)
        timeout = dependency._session.timeout
        assert (timeout.total, timeout.connect, timeout.sock_connect, timeout.sock_read) == (None, None, None, None)


async def test_the_remaining_time_travels_and_is_less_at_the_next_attempt() -> None:
    """Never an instant: clocks need not agree."""
    asked: list[int] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            _, headers, _ = await read_request(reader)
            asked.append(int(headers["x-deadline-ms"]))
            writer.write(response(500 if len(asked) == 1 else 200))

    calls = stack(dependency="http", retry={"attempts_max": 2, "base_s": 0.2, "jitter": "none"})
    async with tcp_server(server) as address, dependency_on(address, calls=calls) as (dependency, _):
        deadline_var.set(now_s() + 5)
        assert (await ask(dependency)).status == 200
    assert 4000 < asked[0] <= 5000
    assert 3000 < asked[1] <= asked[0] - 190


async def test_without_a_deadline_none_is_sent_and_a_body_is_json() -> None:
    """A path goes out as it was given."""
    server = Server(response(201))
    async with tcp_server(server) as address, dependency_on(address) as (dependency, _):
        await dependency.request("POST", "/search?q=a%20b&x=%C3%A9", route="/search", body={"item": 1})
    ((line, headers, body),) = server.asked
    assert line == "POST /search?q=a%20b&x=%C3%A9 HTTP/1.1"
    assert body == b'{"item":1}'
    assert headers["content-type"] == "application/json"
    assert "x-deadline-ms" not in headers
    assert "traceparent" not in headers


async def test_what_a_defence_refuses_is_no_attempt() -> None:
    """Nothing was sent."""
    calls = stack(dependency="http", bulkhead={"permits": 1})
    async with tcp_server(hang) as address, dependency_on(address, calls=calls) as (dependency, (changes,)):
        task = asyncio.create_task(ask(dependency))
        await asyncio.sleep(0.05)
        with pytest.raises(BulkheadFull):
            await ask(dependency)
        assert changes.attempts == (1, 0)
        await cancel(task)


async def test_aiohttp_still_has_the_switch_for_its_silent_second_attempt() -> None:
    """It is private: an upgrade that renames it must be noticed."""
    session = aiohttp.ClientSession()
    assert session._retry_connection is True
    await session.close()
