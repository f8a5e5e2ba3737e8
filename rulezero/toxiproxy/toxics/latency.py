"""Delays every piece by `latency` plus or minus `jitter`, in order.

The delay counts from the arrival of the piece, so pieces that arrive together leave together; a piece with a short
draw behind one with a long draw leaves right after it.
"""

from dataclasses import dataclass
from typing import ClassVar

from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe, Random


@dataclass(slots=True)
class Latency(Behaviour):
    """Both attributes in ms; jitter is uniform."""

    type_name: ClassVar[str] = "latency"
    struct_name: ClassVar[str] = "LatencyToxic"
    buffered_pieces: ClassVar[int] = 1024

    latency: int = 0
    jitter: int = 0

    def delay_s(self, generator: Random) -> float:
        """Draw the delay of one piece; it may be negative."""
        jitter_ms = generator.randrange(-self.jitter, self.jitter) if self.jitter > 0 else 0
        return (self.latency + jitter_ms) / 1000

    async def pipe(self, pipe: Pipe, /) -> None:
        """Move data, each piece when it is due."""
        while (piece := await pipe.receive()) is not None:
            due_s = piece.at_s + self.delay_s(pipe.random)
            await pipe.sleep(due_s - pipe.now_s())
            piece.at_s = due_s
            await pipe.send(piece)
        pipe.end()
