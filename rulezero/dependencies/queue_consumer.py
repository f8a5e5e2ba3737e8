"""Receiving from a queue, NATS JetStream: one message for each that is asked for, acknowledged when it is done with.

A pull consumer gets no more than it asked for, so what it holds is bounded by itself. Whatever is not acknowledged
within `ACK_WAIT_S` of its delivery is delivered again, to whoever asks: after a crash, and as well when it only took
too long. So messages arrive at least once, and the time they are held must stay below that, waiting in line included.
"""

import asyncio
import math
from collections.abc import Mapping

import orjson
from msgspec import Struct
from nats.aio.msg import Msg
from opentelemetry.trace import SpanContext

from rulezero.calls import Operation
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.queue import PUBLISHED_S, TRACEPARENT
from rulezero.dependencies.queue_connection import Ask, QueueConnection
from rulezero.dependencies.stream import API, STATUS_HEADER, Stream, call, failure
from rulezero.outcome import Failed, TimedOut
from rulezero.telemetry import metrics
from rulezero.telemetry.tracing import parse_traceparent

ACK_WAIT_S = 2.0
ASKED_S = 30.0  # So long the server keeps a request for a message that is not there yet.
UNACKNOWLEDGED_MAX = 1000
REQUESTS_MAX = 1024
_LATE_S = 5.0
_NANOSECONDS = 1_000_000_000
_NONE_IN_TIME = ("404", "408")


class Message(Struct, frozen=True, kw_only=True):
    """A message as it was delivered for the `delivery`-th time; `reply_to` is where it is acknowledged.

    `published_s` is an instant on the event loop's clock, None where the publisher did not say; `parent` is the span
    that published it.
    """

    data: bytes
    delivery: int
    reply_to: str
    published_s: float | None = None
    parent: SpanContext | None = None

    @property
    def redelivered(self) -> bool:
        """Tell whether it was delivered before."""
        return self.delivery > 1


class QueueConsumer:
    """The consumer `name` of a stream, behind a link; all processes that use the name share its messages."""

    def __init__(self, link: Link, stream: Stream, *, name: str) -> None:
        self._link = link
        self._stream = stream
        self._name = name
        self._connection = QueueConnection(link.address, name=link.name, prepare=self._make)
        self._next = f"{API}.CONSUMER.MSG.NEXT.{stream.name}.{name}"
        self._request = orjson.dumps({"batch": 1, "expires": int(ASKED_S * _NANOSECONDS)})
        self._delivered = {
            again: metrics.MESSAGES_DELIVERED.labels(queue=stream.name, redelivered=str(again).lower())
            for again in (False, True)
        }

    @property
    def queue(self) -> str:
        """Return the name of the queue."""
        return self._stream.name

    async def open(self) -> None:
        """Connect, and make stream and consumer, so that a missing queue is noticed at the start."""
        await self._make(self._connection.ask)

    async def close(self) -> None:
        """Drop the connection: what is not acknowledged will be delivered again."""
        await self._connection.close()

    async def receive(self) -> Message:
        """Return the next message, however long that takes. Raises CallError."""
        while True:
            try:
                async with asyncio.timeout(ASKED_S + _LATE_S):
                    answer = await self._connection.pull(self._next, self._request)
            except TimeoutError:
                continue  # Request or answer was lost on the way.
            headers = answer.headers or {}
            status = headers.get(STATUS_HEADER)
            if status is None:
                message = _message(answer, headers)
                self._delivered[message.redelivered].inc()
                return message
            if status not in _NONE_IN_TIME:
                await self._make(self._connection.ask)  # A server that was started again has lost both.
                raise Failed(f"{self._link.name}: {status} {headers.get('Description', '')}")

    async def acknowledge(self, message: Message) -> None:
        """Say that the message is done with; when this returns the server knows. Raises CallError."""
        await self._answer(message, f"acknowledge {self.queue}", b"+ACK")

    async def give_back(self, message: Message, *, delay_s: float) -> None:
        """Have it delivered again after a while. Raises CallError."""
        delay = orjson.dumps({"delay": int(delay_s * _NANOSECONDS)})
        await self._answer(message, f"give back {self.queue}", b"-NAK " + delay)

    async def _answer(self, message: Message, name: str, payload: bytes) -> None:
        operation = Operation(name=name, dependency="queue", elsewhere=False)
        with self._link.attempt(operation):
            try:
                async with asyncio.timeout(ACK_WAIT_S):  # Later it is delivered again, whatever is said.
                    await self._connection.ask(message.reply_to, payload)
            except TimeoutError:
                raise TimedOut(f"{self._link.name}: no answer to {name} within {ACK_WAIT_S:g} s") from None

    async def _make(self, ask: Ask) -> None:
        await self._stream.make(ask)
        config = {
            "name": self._name,
            "durable_name": self._name,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT_S * _NANOSECONDS),
            "max_deliver": -1,  # No message is ever given up.
            "max_ack_pending": UNACKNOWLEDGED_MAX,
            "max_waiting": REQUESTS_MAX,
            "replay_policy": "instant",
        }
        body = {"stream_name": self.queue, "config": config}
        made = await call(ask, f"CONSUMER.CREATE.{self.queue}.{self._name}", body)
        if made.get("error"):
            raise failure(self.queue, made["error"])


def _message(answer: Msg, headers: Mapping[str, str]) -> Message:
    try:
        told_s = float(headers.get(PUBLISHED_S, ""))
    except ValueError:
        told_s = math.nan
    return Message(
        data=answer.data,
        delivery=answer.metadata.num_delivered,
        reply_to=answer.reply,
        published_s=told_s if math.isfinite(told_s) else None,
        parent=parse_traceparent(headers.get(TRACEPARENT, "")),
    )
