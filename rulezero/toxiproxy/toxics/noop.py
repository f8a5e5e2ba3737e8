"""Passes everything on unchanged."""

from dataclasses import dataclass
from typing import ClassVar

from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe


@dataclass(slots=True)
class Noop(Behaviour):
    """No attributes."""

    type_name: ClassVar[str] = "noop"
    struct_name: ClassVar[str] = "NoopToxic"

    async def pipe(self, pipe: Pipe, /) -> None:
        """Move data."""
        while (piece := await pipe.receive()) is not None:
            await pipe.send(piece)
        pipe.end()
