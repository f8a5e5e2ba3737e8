"""One toxic at work on one direction of one connection.

A stage runs its toxic's `pipe` as a task between a queue and an output. It can be interrupted at any moment without
losing data: the piece that the toxic holds (`hand`) is passed on at once, and because only one task runs at a time,
looking at it needs no lock.
"""

import asyncio
import logging
import random
from typing import Protocol

from rulezero.toxiproxy.channel import Channel, Output, Piece
from rulezero.toxiproxy.toxic import Toxic

_log = logging.getLogger(__name__)


class StageOwner(Protocol):
    """The link, as seen by its stages."""

    def close_when_drained(self) -> None:
        """Make the end that follows close the connection, not only one direction."""

    def reset_after(self, delay_s: float) -> None:
        """Reset the connection, whatever becomes of the stage."""

    def fail(self) -> None:
        """Drop the connection, because a toxic broke."""


class Stage:
    """Binds a toxic, as configured, to one link."""

    def __init__(self, toxic: Toxic, owner: StageOwner, generator: random.Random) -> None:
        self.toxic = toxic
        self.random = generator
        self.passed_bytes = 0  # The only memory a toxic may keep between interruptions.
        self.input = Channel(toxic.behaviour.buffered_pieces)
        self.output: Output | None = None
        self.hand: Piece | None = None
        self.active = False
        self.closed = False
        self._owner = owner
        self._task: asyncio.Task[None] | None = None

    def draw(self) -> bool:
        """Decide by the toxicity whether this connection is affected."""
        return self.random.random() < self.toxic.toxicity

    def ensure_running(self) -> None:
        """Begin to move data, unless that has begun or is over; `output` must be set."""
        if self._task is not None or self.closed:
            return
        self._task = asyncio.get_running_loop().create_task(self.toxic.behaviour.pipe(self))
        self._task.add_done_callback(self._finished)

    def interrupt(self) -> None:
        """Stop moving data and pass on the piece in hand."""
        self.stop()
        if self.hand is not None and self.output is not None:
            self.output.put(self.hand)
        self.hand = None

    def stop(self) -> None:
        """Stop moving data."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def receive(self) -> Piece | None:
        """Take the next piece in hand; None at the end of the data."""
        self.hand = await self.input.get()
        return self.hand

    async def send(self, piece: Piece, rest: Piece | None = None) -> None:
        """Pass a piece on when there is room; afterwards `rest` is in hand."""
        output = self.output
        while output is not None and output.is_full():
            await output.wait_for_room()
            output = self.output  # A toxic may have come or gone behind this one.
        if output is not None and piece.data:
            output.put(piece)
        self.hand = rest

    async def sleep(self, delay_s: float) -> None:
        """Hold still; a delay in the past takes no time."""
        if delay_s > 0:
            await asyncio.sleep(delay_s)

    def now_s(self) -> float:
        """Return the loop's clock, on which pieces are stamped."""
        return asyncio.get_running_loop().time()

    def end(self) -> None:
        """Pass on that the data is over."""
        self.closed = True
        if self.output is not None:
            self.output.end()

    def close(self) -> None:
        """End the connection behind the data passed on so far."""
        self.hand = None
        self._owner.close_when_drained()
        self.end()

    def reset_after(self, delay_s: float) -> None:
        """Reset the connection after a delay that nothing calls off; until then this stage blocks its link."""
        self.closed = True
        self._owner.reset_after(delay_s)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            _log.error("toxic %s failed", self.toxic.name, exc_info=task.exception())
            self._owner.fail()
