"""Bounded stream: refuse the message that would join a queue already too long to be worth joining.

What: the queue's server holds at most `max_msgs` messages and refuses the next ("discard new"); whoever publishes tells
its own caller at once. Why: in an unbounded queue whose consumer has fallen behind every message is accepted and none
arrives in time, the age of the oldest grows by 1 - C / rate each second, and the backlog outlives its cause by
depth / (C - rate). A refusal at the door is an answer; a mail that comes an hour late is not.
Source: JetStream's stream limits and discard policy (docs.nats.io/nats-concepts/jetstream/streams); the age of the last
in line is the length of the line by Little's law, max_msgs / C.

The bound counts messages, and what matters is time: it is useful only if max_msgs / C is less than what users accept,
with C of the bad day. Once full, the share refused is 1 - C / rate. The bound is the server's, so it holds for all who
publish; messages that are there already stay when it is set below their number.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.outcome import Rejected


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundedStreamConfig:
    """At most `max_msgs` messages wait or are worked on; keep it below the consumers' capacity x the age accepted."""

    max_msgs: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000


class StreamFull(Rejected):
    """The queue holds as much as it may: the message was not stored."""

    definite = True


class BoundedStream:
    """Alone in its family, around all attempts to publish one message; it only counts what the server decides."""

    name: ClassVar[str] = "bounded_stream"
    family: ClassVar[Family] = "delivery"
    config_type: ClassVar[type[BoundedStreamConfig]] = BoundedStreamConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("accepted",)

    def __init__(self, config: BoundedStreamConfig, context: Context) -> None:
        self._context = context
        if context.queue is not None:
            context.queue.bound(config.max_msgs)

    def switched_off(self) -> None:
        """Let the stream take as many messages as come."""
        if self._context.queue is not None:
            self._context.queue.bound(None)

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or raise the server's `StreamFull`."""
        try:
            reply = await proceed(operation)
        except StreamFull:
            self._context.teller.decided("refused")
            raise
        self._context.teller.decided("accepted")
        return reply
