"""Receiving from a real queue server: each message at least once, to one of those who ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rulezero.dependencies import queue_consumer
from rulezero.dependencies.queue_consumer import QueueConsumer
from rulezero.outcome import CallError, TimedOut
from rulezero.request_context import now_s
from rulezero.telemetry.tracing import continued, parse_traceparent
from tests.counters import Change
from tests.defences.fakes import cancel
from tests.dependencies.queues import NAME, Publisher, consumer_at, piped, published_to
from tests.queue_server import QueueServer

pytestmark = pytest.mark.wall_clock
ACK_WAIT_S = 0.4
UNSAMPLED = f"00-{'1' * 32}-{'2' * 16}-00"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_consumer, "ACK_WAIT_S", ACK_WAIT_S)


@asynccontextmanager
async def consuming(folder: Path) -> AsyncIterator[tuple[QueueServer, Publisher, QueueConsumer]]:
    async with published_to(folder) as (server, _, publisher):
        consumer = consumer_at(server.address)
        await consumer.open()
        try:
            yield server, publisher, consumer
        finally:
            await consumer.close()


async def left(publisher: Publisher) -> int:
    return int((await publisher.ask(f"STREAM.INFO.{NAME}"))["state"]["messages"])


async def test_a_message_is_received_and_gone_when_it_is_acknowledged(tmp_path: Path) -> None:
    """With all that its publisher said; the acknowledgement is an attempt on the link, the waiting is not."""
    async with consuming(tmp_path) as (_, publisher, consumer):
        attempts = Change("dependency_attempts_total", dependency="queue", link="mailer-queue", attempt="first")
        delivered = Change("messages_delivered_total", queue=NAME, redelivered="false")
        before_s = now_s()
        with continued(parse_traceparent(UNSAMPLED), "x"):
            await publisher.queue.publish({"order": 7})
        message = await consumer.receive()
        assert (message.data, message.delivery, message.redelivered) == (b'{"order":7}', 1, False)
        assert message.published_s is not None
        assert before_s <= message.published_s <= now_s()
        assert message.parent == parse_traceparent(UNSAMPLED)
        assert await left(publisher) == 1
        await consumer.acknowledge(message)
        assert await left(publisher) == 0
        assert (attempts(), delivered()) == (1, 1)


async def test_who_asks_before_there_is_a_message_gets_the_next(tmp_path: Path) -> None:
    """Each of several, one; who has left gets none."""
    async with consuming(tmp_path) as (_, publisher, consumer):
        asking = [asyncio.create_task(consumer.receive()) for _ in range(3)]
        await asyncio.sleep(0.1)
        await cancel(asking[0])
        for number in range(2):
            await publisher.queue.publish(number)
        async with asyncio.timeout(2 * ACK_WAIT_S + 1):
            found = await asyncio.gather(*asking[1:])
        assert {message.data for message in found} == {b"0", b"1"}


async def test_what_is_not_acknowledged_comes_again(tmp_path: Path) -> None:
    """After the time to acknowledge, told as a repetition, as often as it takes."""
    async with consuming(tmp_path) as (_, publisher, consumer):
        again = Change("messages_delivered_total", queue=NAME, redelivered="true")
        await publisher.queue.publish("x")
        for delivery in (1, 2, 3):
            start_s = now_s()
            message = await consumer.receive()
            assert (message.delivery, message.redelivered) == (delivery, delivery > 1)
            assert delivery == 1 or now_s() - start_s > ACK_WAIT_S / 2
        await consumer.acknowledge(message)
        assert (again(), await left(publisher)) == (2, 0)


async def test_a_late_acknowledgement_is_still_one(tmp_path: Path) -> None:
    """Though the message has been delivered again: both deliveries can be acknowledged, without waiting for long."""
    async with consuming(tmp_path) as (_, publisher, consumer):
        await publisher.queue.publish("x")
        first = await consumer.receive()
        second = await consumer.receive()
        start_s = now_s()
        await consumer.acknowledge(first)
        await consumer.acknowledge(second)
        assert now_s() - start_s < ACK_WAIT_S
        assert await left(publisher) == 0


async def test_what_is_given_back_comes_after_its_delay(tmp_path: Path) -> None:
    """Which may be shorter or longer than the time to acknowledge."""
    async with consuming(tmp_path) as (_, publisher, consumer):
        await publisher.queue.publish("x")
        for delay_s in (0.1, 0.8):
            message = await consumer.receive()
            start_s = now_s()
            await consumer.give_back(message, delay_s=delay_s)
            message = await consumer.receive()
            assert now_s() - start_s == pytest.approx(delay_s, abs=0.3)
            await consumer.give_back(message, delay_s=0.05)


async def test_consumers_of_one_name_share_the_messages(tmp_path: Path) -> None:
    """Each message goes to one of them."""
    async with consuming(tmp_path) as (server, publisher, consumer):
        other = consumer_at(server.address)
        await other.open()
        for number in range(10):
            await publisher.queue.publish(number)
        found = [await one.receive() for _ in range(5) for one in (consumer, other)]
        assert sorted(int(message.data) for message in found) == list(range(10))
        await other.close()


async def test_a_server_that_was_started_again_is_found_again(tmp_path: Path) -> None:
    """It has lost stream and consumer; who waits is told that the connection broke, and makes both anew."""
    async with consuming(tmp_path) as (server, publisher, consumer):
        waiting = asyncio.create_task(consumer.receive())
        await asyncio.sleep(0.1)
        await server.stop()
        async with asyncio.timeout(1):
            with pytest.raises(CallError):
                await waiting
        with pytest.raises(CallError):
            await consumer.receive()
        await server.start()
        waiting = asyncio.create_task(consumer.receive())
        await asyncio.sleep(0.2)
        await publisher.queue.publish("again")
        async with asyncio.timeout(2):
            assert (await waiting).data == b'"again"'


async def test_a_consumer_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    """Whoever asked is told; the next to ask gets a message."""
    async with consuming(tmp_path) as (_, publisher, consumer):
        await publisher.ask(f"CONSUMER.DELETE.{NAME}.mailer")
        with pytest.raises(CallError):
            await consumer.receive()
        await publisher.queue.publish("x")
        assert (await consumer.receive()).data == b'"x"'


async def test_an_acknowledgement_that_nobody_answers_is_a_timeout(tmp_path: Path) -> None:
    """Bounded by the time after which the message comes again anyway."""
    async with published_to(tmp_path) as (server, _, publisher), piped(server.address) as pipe:
        consumer = consumer_at(pipe.address)
        await publisher.queue.publish("x")
        message = await consumer.receive()
        pipe.flows.clear()
        with pytest.raises(TimedOut):
            async with asyncio.timeout(ACK_WAIT_S + 1):
                await consumer.acknowledge(message)
        await consumer.close()


@pytest.mark.parametrize("published_s", ["", "soon", "1e9999"])
async def test_what_others_publish_is_taken_too(tmp_path: Path, published_s: str) -> None:
    """Any bytes, without a word on when."""
    async with consuming(tmp_path) as (_, publisher, consumer):
        headers = {"Rulezero-Published-S": published_s} if published_s else None
        await publisher.queue._connection.ask(NAME, b"\xff\x00", headers)
        message = await consumer.receive()
        assert message.data == b"\xff\x00"
        assert message.published_s is None
        assert message.parent is None
