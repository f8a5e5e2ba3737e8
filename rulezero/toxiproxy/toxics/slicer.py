"""Cuts data into slices of about `average_size` bytes and waits `delay` us behind each.

A piece is halved, with the cut moved at random, until the slices are small enough; so their sizes show no trend along
the piece.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from rulezero.toxiproxy.channel import Piece
from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe, Random

TIMER_S: Final = 0.001
"""Timers of the event loop are this coarse: shorter delays are saved up."""


@dataclass(slots=True)
class Slicer(Behaviour):
    """Sizes in bytes, delay in us; `size_variation` should be less than `average_size`."""

    type_name: ClassVar[str] = "slicer"
    struct_name: ClassVar[str] = "SlicerToxic"
    integer_type: ClassVar[str] = "int"

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def cuts(self, size: int, generator: Random) -> Iterator[int]:
        """Yield the end of each slice of a piece, in order; the last is `size`."""
        start = 0
        ends = [size]
        while ends:
            length = ends[-1] - start
            if length <= 1 or length - self.average_size <= self.size_variation:
                start = ends.pop()
                yield start
                continue
            middle = start + length // 2
            if self.size_variation > 0:
                middle += generator.randrange(-self.size_variation, self.size_variation)
            ends.append(min(max(middle, start + 1), ends[-1] - 1))

    async def pipe(self, pipe: Pipe, /) -> None:
        """Move data in slices."""
        owed_s = 0.0
        while (piece := await pipe.receive()) is not None:
            data, start = memoryview(piece.data), 0
            for end in self.cuts(len(data), pipe.random):
                rest = Piece(data[end:], piece.at_s) if end < len(data) else None
                await pipe.send(Piece(data[start:end], piece.at_s), rest)
                await asyncio.sleep(0)  # The loop writes between its rounds: one slice, one write.
                start = end
                owed_s += self.delay / 1_000_000
                if owed_s >= TIMER_S:
                    started_s = pipe.now_s()
                    await pipe.sleep(owed_s)
                    owed_s -= pipe.now_s() - started_s
        pipe.end()
