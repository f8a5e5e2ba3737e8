"""Closes the connection when `bytes` bytes have passed; what was passed counts on when the limit is changed."""

from dataclasses import dataclass
from typing import ClassVar

from rulezero.toxiproxy.channel import Piece
from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe


@dataclass(slots=True)
class LimitData(Behaviour):
    """Limit in bytes. A limit that is already reached closes at the next data, not before."""

    type_name: ClassVar[str] = "limit_data"
    struct_name: ClassVar[str] = "LimitDataToxic"

    bytes: int = 0

    async def pipe(self, pipe: Pipe, /) -> None:
        """Move data up to the limit."""
        while (piece := await pipe.receive()) is not None:
            allowed = max(0, self.bytes - pipe.passed_bytes)
            piece = Piece(piece.data[:allowed], piece.at_s)
            pipe.hand = piece
            pipe.passed_bytes += len(piece.data)
            await pipe.send(piece)
            if pipe.passed_bytes >= self.bytes:
                pipe.close()
                return
        pipe.end()
