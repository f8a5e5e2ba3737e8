"""Publishing to a queue, NATS JetStream, inside the defences.

A publication is answered when the server has stored the message, so "accepted" means just that. Each message has an id
made once for all attempts, by which the server drops those that it has stored already: a retry is no second message.
"""

import asyncio
import secrets
from functools import partial
from typing import Any

import orjson
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind

from rulezero.calls import Operation
from rulezero.defences.bounded_stream import StreamFull
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.queue_connection import QueueConnection
from rulezero.dependencies.stream import Stream, decoded, failure
from rulezero.outcome import CallError, Rejected
from rulezero.request_context import current_deadline_s, now_s
from rulezero.telemetry import metrics
from rulezero.telemetry.tracing import current_traceparent
from rulezero.toggles.stacks import Stack

MESSAGE_ID = "Nats-Msg-Id"
TRACEPARENT = "traceparent"
# By the event loop's clock, which all processes of a machine share, and which does not jump.
PUBLISHED_S = "Rulezero-Published-S"
LOOK_S = 0.5
_LOOK_TIMEOUT_S = 2.0
# "maximum messages exceeded" by the stream's own limit, and what the server as a whole cannot hold.
_FULL = {10077, 10023, 10028, 10047}


class Queue:
    """A stream behind a link, to publish to.

    `stack` are the defences of each call, `delivery` those around the publication as a whole.
    """

    def __init__(self, link: Link, stream: Stream, *, stack: Stack, delivery: Stack) -> None:
        self._link = link
        self._stream = stream
        self._stack = stack
        self._delivery = delivery
        self._connection = QueueConnection(link.address, name=link.name, prepare=stream.make)
        self._published = {
            result: metrics.MESSAGES_PUBLISHED.labels(queue=stream.name, result=result)
            for result in ("accepted", "refused", "failed")
        }

    async def open(self) -> None:
        """Connect and make the stream, so that a missing queue is noticed at the start."""
        await self._stream.look_after(self._connection.ask)

    async def close(self) -> None:
        """Drop the connection."""
        await self._connection.close()

    async def publish(self, body: Any) -> None:
        """Have the queue store a message, which is any JSON.

        Raises:
            CallError: One of the outcomes other than ok. `StreamFull`: it was not stored, for want of room.

        """
        name = self._stream.name
        operation = Operation(
            name=f"publish {name}", dependency="queue", deadline_s=current_deadline_s(), elsewhere=False
        )
        headers = {MESSAGE_ID: secrets.token_hex(8), PUBLISHED_S: f"{now_s():.6f}"}
        send = partial(self._send, payload=orjson.dumps(body), headers=headers)
        result = "failed"
        try:
            await self._delivery.call(operation, partial(self._stack.call, send=send))
            result = "accepted"
        except Rejected:
            result = "refused"
            raise
        finally:
            self._published[result].inc()

    async def watch(self) -> None:
        """Tell how long the queue is and keep its bound as the toggles say, twice a second, until cancelled."""
        while True:
            _ = self._delivery.empty  # Follows the toggles also while nobody publishes.
            try:
                async with asyncio.timeout(_LOOK_TIMEOUT_S):
                    await self._stream.look_after(self._connection.ask)
            except (CallError, TimeoutError):
                pass  # The gauges keep what was last known; publications tell that the queue is away.
            await asyncio.sleep(LOOK_S)

    async def _send(self, operation: Operation, *, payload: bytes, headers: dict[str, str]) -> None:
        name = self._stream.name
        attributes = {
            "messaging.system": "nats",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": name,
            "messaging.message.id": headers[MESSAGE_ID],
        }
        with self._link.attempt(operation, kind=SpanKind.PRODUCER, attributes=attributes):
            traceparent = current_traceparent()  # Of this attempt's own span: the consumer's is a child of it.
            traced = {**headers, TRACEPARENT: traceparent} if traceparent else headers
            _require_stored(name, await self._connection.ask(name, payload, traced))


def _require_stored(name: str, answer: Msg) -> None:
    error = decoded(answer).get("error")
    if not error:
        return
    if error.get("err_code") in _FULL:
        raise StreamFull(f"{name} is full: {error.get('description', '')}")
    raise failure(name, error)
