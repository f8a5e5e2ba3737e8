"""A worker: takes messages off a queue and works on so many at a time, for as long as its process runs.

Its capacity is virtual like that of a service: slots / the time that a message takes. `prefetch` is how many messages
it asks for at once; those beyond its slots wait inside it, in nobody's sight, while the time until they are delivered
again runs. So `prefetch` / capacity must stay below that time, else they come twice, and there is twice as much to do.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

from opentelemetry.trace import SpanKind

from rulezero.dependencies.queue_consumer import Message, QueueConsumer
from rulezero.outcome import CallError
from rulezero.request_context import now_s
from rulezero.service.service_time import service_time_s
from rulezero.service.slots import Slots
from rulezero.telemetry import metrics, tracing

AGAIN_S = 1.0
_RECONNECT_S = 0.25

Handle = Callable[[Message], Awaitable[None]]


class Worker:
    """Calls `handle` with each message and acknowledges those that end well; the others come again after `AGAIN_S`."""

    def __init__(
        self,
        consumer: QueueConsumer,
        handle: Handle,
        *,
        slots: int,
        prefetch: int,
        service_s: float,
        service_cv: float,
        random: Random,
    ) -> None:
        self._consumer = consumer
        self._handle = handle
        self._slots = Slots(slots, resource="slots")
        self._prefetch = prefetch
        self._service_s = service_s
        self._service_cv = service_cv
        self._random = random
        self._processed = {
            result: metrics.MESSAGES_PROCESSED.labels(queue=consumer.queue, result=result)
            for result in ("applied", "failed")
        }
        self._age = metrics.MESSAGE_AGE.labels(queue=consumer.queue)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as hands:
            for _ in range(self._prefetch):
                hands.create_task(self._take_and_work())

    async def _take_and_work(self) -> None:
        while True:
            try:
                message = await self._consumer.receive()
            except CallError:
                await asyncio.sleep(_RECONNECT_S)
                continue
            with tracing.continued(message.parent, f"process {self._consumer.queue}", SpanKind.CONSUMER) as span:
                if span.is_recording():
                    span.set_attributes(self._attributes(message))
                await self._work(message)

    async def _work(self, message: Message) -> None:
        taken_s, applied = await self._slots.acquire(), False
        try:
            if self._service_s > 0:
                await asyncio.sleep(service_time_s(self._service_s, self._service_cv, self._random))
            await self._handle(message)
            await self._consumer.acknowledge(message)
            applied = True
        except CallError:
            with suppress(CallError):  # Then it comes again all the same, by the server's own clock.
                await self._consumer.give_back(message, delay_s=AGAIN_S)
        finally:
            self._slots.release(taken_s, wasted=not applied)
        self._processed["applied" if applied else "failed"].inc()
        if applied and message.published_s is not None:
            self._age.observe(max(0.0, now_s() - message.published_s), tracing.exemplar())

    def _attributes(self, message: Message) -> dict[str, str | int]:
        return {
            "messaging.system": "nats",
            "messaging.operation.type": "process",
            "messaging.destination.name": self._consumer.queue,
            "rulezero.delivery": message.delivery,
        }
