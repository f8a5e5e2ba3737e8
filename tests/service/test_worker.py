"""A worker on a queue of the test's own, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from rulezero.dependencies.queue_consumer import Message, QueueConsumer
from rulezero.outcome import CallError, Failed, TimedOut
from rulezero.service.worker import AGAIN_S, Worker
from rulezero.telemetry import tracing
from rulezero.telemetry.tracing import parse_traceparent
from tests.counters import Change
from tests.defences.fakes import cancel, now_s

SAMPLED = f"00-{'1' * 32}-{'2' * 16}-01"
QUEUE = "letters"


class FakeConsumer:
    """Has so many messages; notes what became of each."""

    queue = QUEUE

    def __init__(self, count: int, **changes: Any) -> None:
        self._left = [message(number, **changes) for number in range(count)]
        self.asked = 0
        self.acknowledged: list[tuple[bytes, float]] = []
        self.given_back: list[tuple[bytes, float]] = []
        self.broken: list[CallError] = []
        self.deaf: CallError | None = None

    async def receive(self) -> Message:
        self.asked += 1
        if self.broken:
            raise self.broken.pop()
        if not self._left:
            await asyncio.Event().wait()
        return self._left.pop(0)

    async def acknowledge(self, one: Message) -> None:
        if self.deaf is not None:
            raise self.deaf
        self.acknowledged.append((one.data, now_s()))

    async def give_back(self, one: Message, *, delay_s: float) -> None:
        self.given_back.append((one.data, delay_s))
        if self.deaf is not None:
            raise self.deaf


def message(number: int, **changes: Any) -> Message:
    return Message(**{"data": b"%d" % number, "delivery": 1, "reply_to": "x", **changes})


async def nothing(_: Message) -> None:
    """Be done at once."""


def worker(
    consumer: FakeConsumer,
    handle: Callable[[Message], Awaitable[None]] = nothing,
    *,
    slots: int = 2,
    prefetch: int | None = None,
    service_s: float = 1.0,
) -> Worker:
    return Worker(
        cast("QueueConsumer", consumer),
        handle,
        slots=slots,
        prefetch=prefetch or slots,
        service_s=service_s,
        service_cv=0.0,
        random=Random(0),
    )


async def during(one: Worker, for_s: float) -> None:
    """Let it work for a while, then stop it."""
    working = asyncio.create_task(one.run())
    await asyncio.sleep(for_s)
    await cancel(working)
    assert working.cancelled()


async def test_its_slots_work_side_by_side() -> None:
    """Two at a time take a second each: capacity is slots / service time."""
    consumer = FakeConsumer(5)
    applied = Change("messages_processed_total", queue=QUEUE, result="applied")
    await during(worker(consumer), 10)
    assert consumer.acknowledged == [(b"0", 1.0), (b"1", 1.0), (b"2", 2.0), (b"3", 2.0), (b"4", 3.0)]
    assert applied() == 5


@pytest.mark.parametrize(("prefetch", "asked"), [(2, 2), (7, 7)])
async def test_it_holds_no_more_than_it_was_told(prefetch: int, asked: int) -> None:
    """Those beyond its slots wait inside it, in line."""
    consumer, waiting = FakeConsumer(100), Change("concurrency_waiting", resource="slots")
    working = asyncio.create_task(worker(consumer, prefetch=prefetch).run())
    await asyncio.sleep(0.5)
    assert consumer.asked == asked
    assert waiting.value == prefetch - 2
    await cancel(working)


async def test_the_time_a_slot_is_held_is_all_that_a_message_takes() -> None:
    """Service, handling and acknowledgement; by it capacity is measured."""
    held_s = Change("concurrency_hold_seconds_sum", resource="slots")

    async def slow(_: Message) -> None:
        await asyncio.sleep(0.5)

    await during(worker(FakeConsumer(4), slow), 10)
    assert held_s() == pytest.approx(4 * 1.5)


async def test_what_fails_comes_again_after_a_while() -> None:
    """Counted as failed; the others go on, and the time was spent for nothing."""
    consumer = FakeConsumer(3)
    failed = Change("messages_processed_total", queue=QUEUE, result="failed")
    wasted_s = Change("concurrency_wasted_seconds_total", resource="slots")

    async def picky(one: Message) -> None:
        if one.data == b"1":
            raise TimedOut("x")

    await during(worker(consumer, picky), 10)
    assert [data for data, _ in consumer.acknowledged] == [b"0", b"2"]
    assert consumer.given_back == [(b"1", AGAIN_S)]
    assert failed() == 1
    assert wasted_s() == pytest.approx(1)


async def test_what_could_not_be_acknowledged_was_not_done() -> None:
    """For all it knows; it will come again whether or not it could be given back."""
    consumer = FakeConsumer(2)
    consumer.deaf = Failed("x")
    failed = Change("messages_processed_total", queue=QUEUE, result="failed")
    await during(worker(consumer), 10)
    assert failed() == 2
    assert len(consumer.given_back) == 2


async def test_a_queue_that_is_away_is_asked_again_and_again() -> None:
    """With a pause each time, and the work goes on when it is back."""
    consumer = FakeConsumer(1)
    consumer.broken = [Failed("x")] * 6
    await during(worker(consumer), 10)
    assert [data for data, _ in consumer.acknowledged] == [b"0"]
    assert consumer.asked < 12


async def test_an_error_that_is_no_outcome_ends_it() -> None:
    """It is a bug, and its process ends with it."""

    async def broken(_: Message) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await worker(FakeConsumer(1), broken).run()
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)


async def test_the_age_of_a_message_is_told_when_it_is_done_with() -> None:
    """From its publication; of one that says nothing, nothing is told."""
    age_s, count = (Change(f"message_age_seconds_{part}", queue=QUEUE) for part in ("sum", "count"))
    await asyncio.sleep(7)
    await during(worker(FakeConsumer(1, published_s=4.0)), 5)
    await during(worker(FakeConsumer(1)), 5)
    assert (age_s(), count()) == (7 + 1 - 4, 1)


async def test_its_span_is_a_child_of_the_publication(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second delivery shows beside the first, in the same trace."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("test"))
    await during(worker(FakeConsumer(1, parent=parse_traceparent(SAMPLED), delivery=2)), 5)
    await during(worker(FakeConsumer(1)), 5)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind) == (f"process {QUEUE}", SpanKind.CONSUMER)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "2" * 16
    assert span.attributes is not None
    assert span.attributes["rulezero.delivery"] == 2
    provider.shutdown()
