"""One direction of a connection: source socket, a chain of toxics, destination socket.

Without an active toxic the source writes straight to the destination. Otherwise data goes through the queues of the
stages. All changes happen between two steps of the event loop, so they neither lose nor reorder data.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Protocol

from rulezero.toxiproxy.channel import PIECE_MAX, Output, Piece
from rulezero.toxiproxy.endpoint import Endpoint, Sink, discard
from rulezero.toxiproxy.stage import Stage
from rulezero.toxiproxy.toxic import Toxic


class Ending(IntEnum):
    """How a direction ends, by weight."""

    OPEN = 0
    HALF = 1  # The source sends no more: pass that on.
    FULL = 2  # The source is gone, or a toxic closes the connection.


class LinkOwner(Protocol):
    """The connection, as seen by its two links."""

    def link_ended(self) -> None:
        """Look whether both directions are over."""

    def reset_after(self, delay_s: float) -> None:
        """Reset both sockets after a delay."""

    def abort(self) -> None:
        """Close both sockets at once."""


class Link:
    """Is the last output of its own chain, and the owner of its stages."""

    def __init__(
        self,
        source: Endpoint,
        destination: Endpoint,
        owner: LinkOwner,
        generator: random.Random,
        count: Callable[[int, int], None] | None = None,
    ) -> None:
        self._source = source
        self._destination = destination
        self._owner = owner
        self._random = generator
        self._count = count  # Takes bytes received and bytes sent; None costs nothing.
        self._stages: list[Stage] = []
        self._first: Output = self
        self._ending = Ending.OPEN
        self._room: asyncio.Future[None] | None = None
        self.ended = False

    def start(self, toxics: Iterable[Toxic]) -> None:
        """Let data flow."""
        for toxic in toxics:
            self._append(toxic)
        self._rewire()

    # The source's side.

    def feed(self, data: bytes) -> None:
        """Take data from the source into the chain, in pieces."""
        if self._count is not None:
            self._count(len(data), 0)
        now_s = asyncio.get_running_loop().time()
        for start in range(0, len(data), PIECE_MAX):
            self._first.put(Piece(data[start : start + PIECE_MAX] if len(data) > PIECE_MAX else data, now_s))
        self.update_flow()

    def source_ended(self, ending: Ending) -> None:
        """Send the end down the chain; a heavier end may follow a lighter one."""
        self._ending = max(self._ending, ending)
        if self.ended:
            self.end()
        else:
            self._source.set_sink(discard)
            self._first.end()

    def update_flow(self) -> None:
        """Read from the source only while the chain takes data."""
        self._source.set_reading(wanted=not (self._first.is_full() or self.ended))

    # The last output of the chain: the destination's side.

    def is_full(self) -> bool:
        """Whether the destination does not keep up."""
        return self._destination.write_full

    def put(self, piece: Piece) -> None:
        """Write to the destination."""
        if self._count is not None:
            self._count(0, len(piece.data))
        self._destination.write(piece.data)

    async def wait_for_room(self) -> None:
        """Return when the destination's state has changed."""
        self._room = asyncio.get_running_loop().create_future()
        await self._room

    def destination_writable(self) -> None:
        """Adapt to a write buffer that became full, or has room again."""
        self._release()
        self.update_flow()

    def end(self) -> None:
        """End the destination the way this link ends."""
        self.ended = True
        self._source.set_sink(discard)
        if self._ending >= Ending.FULL:
            self._destination.close()
        else:
            self._destination.half_close()
        self._owner.link_ended()

    def abandon(self) -> None:
        """Stop: the destination is gone, or the connection is."""
        self.ended = True
        self._source.set_sink(discard)
        for stage in self._stages:
            stage.stop()
            stage.output = None
        self.update_flow()

    # The stages' side.

    def close_when_drained(self) -> None:
        """Remember that a toxic closes the connection."""
        self._ending = Ending.FULL

    def reset_after(self, delay_s: float) -> None:
        """Pass a toxic's reset to the connection."""
        self._owner.reset_after(delay_s)

    def fail(self) -> None:
        """Drop the connection, because a toxic broke."""
        self._owner.abort()

    # The proxy's side: toxics come, change and go while data flows.

    def add(self, toxic: Toxic) -> None:
        """Append a toxic to the chain."""
        self._append(toxic)
        self._rewire()

    def update(self, toxic: Toxic) -> None:
        """Apply a toxic's new settings; it is decided again whether this connection is affected."""
        stage = self._stage_of(toxic)
        if stage is None or stage.closed:
            return
        stage.interrupt()
        stage.active = False
        self._activate(stage, active=stage.draw())
        self._rewire()

    def remove(self, toxic: Toxic) -> None:
        """Take a toxic out of the chain; what it holds goes on, or the connection closes if the toxic wants that."""
        stage = self._stage_of(toxic)
        if stage is None or stage.closed:
            return
        stage.interrupt()
        if toxic.behaviour.closes_when_removed:
            stage.active = True
            self._rewire()
            stage.stop()
            stage.close()
            return
        self._activate(stage, active=False)
        self._stages.remove(stage)
        self._rewire()

    def _append(self, toxic: Toxic) -> None:
        stage = Stage(toxic, self, self._random)
        self._stages.append(stage)
        stage.active = stage.draw()

    def _stage_of(self, toxic: Toxic) -> Stage | None:
        return next((stage for stage in self._stages if stage.toxic is toxic), None)

    def _activate(self, stage: Stage, *, active: bool) -> None:
        """Switch an interrupted stage on, or hand over what waits in front of it."""
        stage.active = active
        if active or stage.output is None:
            return
        output, stage.output = stage.output, None
        for piece in stage.input.drain():
            output.put(piece)
        if stage.input.ended:
            output.end()
        stage.input.on_room = None
        stage.input.release()

    def _rewire(self) -> None:
        """Connect the active stages, from the last to the first, and start those that do not run."""
        if self.ended:
            return
        output: Output = self
        for stage in reversed(self._stages):
            stage.input.on_room = None
            if stage.active:
                stage.output = output
                output = stage.input
                stage.ensure_running()
        self._first = output
        if output is self:
            self._source.set_sink(self._fast_sink())
        else:
            self._source.set_sink(self.feed)
            next(stage for stage in self._stages if stage.active).input.on_room = self.update_flow
        for stage in self._stages:
            stage.input.release()  # Who waits for room may have another output now.
        self._release()
        self.update_flow()

    def _release(self) -> None:
        """Let the stage that waits for the destination look again."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _fast_sink(self) -> Sink:
        """Return the destination's own `write` where nothing is counted."""
        transport = self._destination.transport
        if self._count is not None or transport is None:
            return self._counted_write
        return transport.write

    def _counted_write(self, data: bytes) -> None:
        if self._count is not None:
            self._count(len(data), len(data))
        self._destination.write(data)
