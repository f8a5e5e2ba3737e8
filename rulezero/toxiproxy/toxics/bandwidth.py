"""Passes data on at `rate` KB/s (thousands of bytes).

A piece that takes longer than 100 ms is sent in parts, one each 100 ms. What a timer overslept is taken off the next
delay, so the rate holds on average even where timers are coarse.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from rulezero.toxiproxy.channel import Piece
from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe

PART_S: Final = 0.1
PART_MS: Final = 100
STALL_S: Final = 3600.0


@dataclass(slots=True)
class Bandwidth(Behaviour):
    """Rate in KB/s; 0 or less lets nothing through."""

    type_name: ClassVar[str] = "bandwidth"
    struct_name: ClassVar[str] = "BandwidthToxic"

    rate: int = 0

    async def pipe(self, pipe: Pipe, /) -> None:
        """Move data at the rate."""
        owed_s = 0.0
        while (piece := await pipe.receive()) is not None:
            while self.rate <= 0:
                await pipe.sleep(STALL_S)
            owed_s += len(piece.data) / (self.rate * 1000)
            owed_s, piece = await self._send_parts(pipe, piece, owed_s)
            started_s = pipe.now_s()
            await pipe.sleep(owed_s)
            owed_s -= pipe.now_s() - started_s
            await pipe.send(piece)
        pipe.end()

    async def _send_parts(self, pipe: Pipe, piece: Piece, owed_s: float) -> tuple[float, Piece]:
        """Send all but the last part; return the delay still owed, and that part."""
        part_bytes = self.rate * PART_MS
        while len(piece.data) > part_bytes:
            await pipe.sleep(PART_S)
            rest = Piece(piece.data[part_bytes:], piece.at_s)
            await pipe.send(Piece(piece.data[:part_bytes], piece.at_s), rest)
            owed_s -= PART_S
            piece = rest
        return owed_s, piece
