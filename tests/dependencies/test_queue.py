"""Publishing to a real queue server, through a link that breaks and hangs."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from rulezero.calls import Operation
from rulezero.defences.bounded_stream import StreamFull
from rulezero.dependencies import queue_connection
from rulezero.dependencies.queue import MESSAGE_ID, PUBLISHED_S, TRACEPARENT
from rulezero.outcome import Failed, Outcome, Unreachable
from rulezero.request_context import now_s
from rulezero.telemetry.tracing import continued, parse_traceparent
from rulezero.toggles.store import ToggleStore
from tests.counters import Change
from tests.defences.fakes import cancel
from tests.dependencies.queues import NAME, Publisher, published_to, soon
from tests.queue_server import queue_server

pytestmark = pytest.mark.wall_clock
UNSAMPLED = f"00-{'1' * 32}-{'2' * 16}-00"


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"queue": NAME})


def bounded(max_msgs: int, clock: Any = lambda: 0.0) -> ToggleStore:
    store = ToggleStore(None, clock=clock)
    store.override({"preset": "none", "defences": {"bounded_stream": {"enabled": True, "max_msgs": max_msgs}},
                    "expires_s": 60})  # fmt: skip
    return store


async def messages(publisher: Publisher) -> int:
    return int((await publisher.ask(f"STREAM.INFO.{NAME}"))["state"]["messages"])


async def limit(publisher: Publisher) -> int:
    return int((await publisher.ask(f"STREAM.INFO.{NAME}"))["config"]["max_msgs"])


async def test_what_is_accepted_is_stored(tmp_path: Path) -> None:
    """With an id, when it was published, and the trace it belongs to; one attempt on the link."""
    async with published_to(tmp_path) as (_, _, publisher):
        before_s = now_s()
        with continued(parse_traceparent(UNSAMPLED), "x"):
            await publisher.queue.publish({"operation_id": "a-1"})
        await publisher.queue.publish({"operation_id": "a-2"})
        (first, body), (second, _) = await publisher.stored()
        assert body == {"operation_id": "a-1"}
        assert before_s <= float(first[PUBLISHED_S]) <= now_s()
        assert (first[TRACEPARENT], TRACEPARENT in second) == (UNSAMPLED, False)
        assert first[MESSAGE_ID] != second[MESSAGE_ID]
        assert publisher.counted == {"accepted": 2}
        assert (publisher.changes.attempts, publisher.changes.outcomes) == ((2, 0), {"ok": 2})


async def test_a_further_attempt_is_no_second_message(tmp_path: Path) -> None:
    """The server knows the id; this is what makes a publication worth repeating."""
    async with published_to(tmp_path) as (_, _, publisher):
        send = partial(publisher.queue._send, payload=b"{}", headers={MESSAGE_ID: "same"})
        for attempt in (1, 2, 3):
            await send(Operation(name="publish", dependency="queue", attempt=attempt))
        assert await messages(publisher) == 1


async def test_a_full_stream_refuses_and_stores_nothing(tmp_path: Path) -> None:
    """Definitely not, so nobody asks again; and as soon as there is room it takes the next."""
    async with published_to(tmp_path, bounded(2)) as (_, _, publisher):
        refused = Change(
            "defence_decisions_total", family="delivery", defence="bounded_stream", decision="refused", dependency=NAME
        )
        await publisher.look()
        for number in range(2):
            await publisher.queue.publish(number)
        with pytest.raises(StreamFull) as caught:
            await publisher.queue.publish(2)
        assert (caught.value.outcome, caught.value.definite, caught.value.retryable) == (Outcome.REJECTED, True, False)
        assert (await messages(publisher), publisher.counted) == (2, {"accepted": 2, "refused": 1})
        assert (refused(), publisher.changes.outcomes) == (1, {"ok": 2, "rejected": 1})
        await publisher.ask(f"STREAM.PURGE.{NAME}")
        await publisher.queue.publish(3)


async def test_a_bound_below_what_is_there_takes_nothing_away(tmp_path: Path) -> None:
    """What was accepted is kept: the newest is refused, never the oldest dropped."""
    async with published_to(tmp_path) as (_, _, publisher):
        for number in range(5):
            await publisher.queue.publish(number)
        publisher.stream.bound(2)
        await publisher.look()
        with pytest.raises(StreamFull):
            await publisher.queue.publish(5)
        assert [body for _, body in await publisher.stored()] == [0, 1, 2, 3, 4]


async def test_the_bound_follows_the_toggle_while_nobody_publishes(tmp_path: Path) -> None:
    """On, another number, off: each within a second of being told."""
    store = ToggleStore(None, clock=lambda: 0.0)
    async with published_to(tmp_path, store) as (_, _, publisher):
        watching = asyncio.create_task(publisher.queue.watch())
        assert await limit(publisher) == -1
        for max_msgs in (7, 3):
            told = {"enabled": True, "max_msgs": max_msgs}
            store.override({"defences": {"bounded_stream": told}, "expires_s": 60})

            async def is_set(wanted: int = max_msgs) -> bool:
                return await limit(publisher) == wanted

            assert await soon(is_set, within_s=1.5)
        store.override({"preset": "none", "expires_s": 60})

        async def is_off() -> bool:
            return await limit(publisher) == -1

        assert await soon(is_off, within_s=1.5)
        await cancel(watching)


async def test_depth_and_age_are_told(tmp_path: Path) -> None:
    """By the server's own count and clock, both 0 when it is empty."""
    async with published_to(tmp_path) as (_, _, publisher):
        await publisher.look()
        assert (gauge("queue_depth"), gauge("queue_oldest_message_age_seconds")) == (0, 0)
        for number in range(3):
            await publisher.queue.publish(number)
        await asyncio.sleep(0.3)
        await publisher.look()
        age_s = gauge("queue_oldest_message_age_seconds")
        assert gauge("queue_depth") == 3
        assert age_s is not None
        assert 0.3 <= age_s < 2


async def test_while_the_queue_is_away_nothing_is_kept_for_later(tmp_path: Path) -> None:
    """Publications fail at once, and are not made when it comes back; then it works again, its stream made anew."""
    async with published_to(tmp_path) as (server, _, publisher):
        await server.stop()
        for _ in range(3):
            with pytest.raises(Failed):
                async with asyncio.timeout(1):
                    await publisher.queue.publish("lost")
        await server.start()
        await publisher.look()
        await publisher.queue.publish("kept")
        assert [body for _, body in await publisher.stored()] == ["kept"]
        assert publisher.counted == {"failed": 3, "accepted": 1}


async def test_who_waits_when_the_connection_breaks_is_told_at_once(tmp_path: Path) -> None:
    """Not after a timeout of the driver's; the message may have been stored, so it is not definite."""
    async with published_to(tmp_path) as (_, pipe, publisher):
        pipe.flows.clear()
        waiting = [asyncio.create_task(publisher.queue.publish(number)) for number in range(5)]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in waiting)
        pipe.cut()
        async with asyncio.timeout(1):
            found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in found] == [Failed] * 5
        assert not any(error.definite for error in found if isinstance(error, Failed))
        pipe.flows.set()
        await publisher.queue.publish("again")
        assert pipe.connections == 2


async def test_who_leaves_a_link_that_hangs_is_counted_as_gone(tmp_path: Path) -> None:
    """And what is sent into it is bounded: beyond that nothing is even tried."""
    async with published_to(tmp_path) as (_, pipe, publisher):
        pipe.flows.clear()
        leaving = asyncio.create_task(publisher.queue.publish("x"))
        await asyncio.sleep(0.1)
        await cancel(leaving)
        assert publisher.changes.outcomes == {"cancelled": 1}
        assert publisher.counted == {"failed": 1}


async def test_what_waits_to_be_sent_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver would keep all of it."""
    monkeypatch.setattr(queue_connection, "UNSENT_BYTES_MAX", -1)
    async with queue_server(tmp_path) as server:
        publisher = Publisher(server.address)
        with pytest.raises(Unreachable, match="0 bytes wait to be sent already") as caught:
            await publisher.queue.publish("x")
        assert caught.value.definite
        await publisher.queue.close()


async def test_many_who_find_it_away_make_one_attempt(tmp_path: Path) -> None:
    """And one of them that leaves takes nothing from the others."""
    async with published_to(tmp_path) as (_, pipe, publisher):
        pipe.cut()
        await asyncio.sleep(0.05)
        pipe.flows.clear()
        tasks = [asyncio.create_task(publisher.queue.publish(number)) for number in range(20)]
        await asyncio.sleep(0.1)
        await cancel(tasks[0])
        pipe.flows.set()
        async with asyncio.timeout(2):
            await asyncio.gather(*tasks[1:])
        assert pipe.connections == 2
        assert await messages(publisher) == 19


async def test_a_queue_that_is_not_there_is_told_by_its_link() -> None:
    """At the start of a service."""
    publisher = Publisher("127.0.0.1:1")
    with pytest.raises(Unreachable, match=r"^checkout-queue: no queue at 127\.0\.0\.1:1: "):
        await publisher.queue.open()
    await publisher.queue.close()


async def test_closing_ends_everything(tmp_path: Path) -> None:
    """Within a moment, also on a link that hangs; nothing is left running, and nothing is sent any more."""
    async with published_to(tmp_path) as (_, pipe, publisher):
        pipe.flows.clear()
        waiting = asyncio.create_task(publisher.queue.publish("x"))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(3):
            await publisher.queue.close()
            with pytest.raises(Failed):
                await waiting
        with pytest.raises(Unreachable, match="closed"):
            await publisher.queue.publish("y")


async def test_further_addresses_of_the_server_are_not_taken() -> None:
    """They would go past the link, and past its faults."""
    asked: list[str] = []

    async def stranger(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append("stranger")
        writer.close()

    other = await asyncio.start_server(stranger, "127.0.0.1", 0)
    address = "{}:{}".format(*other.sockets[0].getsockname()[:2])

    async def advertising(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append("link")
        writer.write(b'INFO {"headers":true,"max_payload":1000,"connect_urls":["%s"]}\r\n' % address.encode())
        await reader.readuntil(b"PING\r\n")
        writer.close()

    server = await asyncio.start_server(advertising, "127.0.0.1", 0)
    publisher = Publisher("{}:{}".format(*server.sockets[0].getsockname()[:2]))
    for _ in range(3):
        with pytest.raises(Unreachable):
            await publisher.queue.publish("x")
    await publisher.queue.close()
    for one in (server, other):
        one.close()
    assert set(asked) == {"link"}
