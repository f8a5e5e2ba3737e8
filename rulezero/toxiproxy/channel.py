"""The queue in front of a toxic: one producer, one consumer, a bound that the producer asks about before it puts.

Putting never waits, so whoever moves data between queues can do it in one step; waiting for room is a call of its
own.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

PIECE_MAX: Final = 32 * 1024
"""Bytes; Toxiproxy reads its sockets in pieces of this size, and toxics act on pieces."""
CAPACITY_DEFAULT: Final = 2
"""Pieces; one being taken, one behind it."""


class Piece:
    """Bytes and the moment (seconds of the loop's clock) they arrived, or were due to leave the toxic before."""

    __slots__ = ("at_s", "data")

    def __init__(self, data: bytes | memoryview, at_s: float) -> None:
        self.data = data
        self.at_s = at_s


class Output(Protocol):
    """Where a toxic's data goes: the queue of the next one, or the socket."""

    def is_full(self) -> bool:
        """Whether a producer should wait."""

    def put(self, piece: Piece) -> None:
        """Take a piece, in any state."""

    def end(self) -> None:
        """Take the news that nothing follows."""

    async def wait_for_room(self) -> None:
        """Return when the state may have changed."""


class Channel:
    """A bounded queue of pieces with an end."""

    __slots__ = ("_getter", "_pieces", "_putter", "capacity", "ended", "on_room")

    def __init__(self, capacity: int = CAPACITY_DEFAULT) -> None:
        self.capacity = capacity
        self.ended = False
        self.on_room: Callable[[], None] | None = None
        self._pieces: deque[Piece] = deque()
        self._getter: asyncio.Future[None] | None = None
        self._putter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        """Count the pieces that wait."""
        return len(self._pieces)

    def is_full(self) -> bool:
        """Whether a producer should wait."""
        return len(self._pieces) >= self.capacity

    def put(self, piece: Piece) -> None:
        """Append a piece."""
        self._pieces.append(piece)
        self._wake_getter()

    def end(self) -> None:
        """Nothing follows; what waits is still handed out."""
        self.ended = True
        self._wake_getter()

    async def get(self) -> Piece | None:
        """Wait for the next piece; None, each time, once the end is reached."""
        while not self._pieces:
            if self.ended:
                return None
            self._getter = asyncio.get_running_loop().create_future()
            await self._getter
        was_full = len(self._pieces) == self.capacity
        piece = self._pieces.popleft()
        if was_full:
            self.release()
        return piece

    def drain(self) -> list[Piece]:
        """Take everything at once."""
        pieces = list(self._pieces)
        self._pieces.clear()
        return pieces

    def release(self) -> None:
        """Tell the producer that there is room, or that this queue is out of use."""
        if self._putter is not None and not self._putter.done():
            self._putter.set_result(None)
        if self.on_room is not None:
            self.on_room()

    async def wait_for_room(self) -> None:
        """Return when a piece was taken from the full queue."""
        self._putter = asyncio.get_running_loop().create_future()
        await self._putter

    def _wake_getter(self) -> None:
        if self._getter is not None and not self._getter.done():
            self._getter.set_result(None)
