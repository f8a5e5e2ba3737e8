"""Holds the end of the connection back for `delay` ms; data passes at once."""

from dataclasses import dataclass
from typing import ClassVar

from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe


@dataclass(slots=True)
class SlowClose(Behaviour):
    """Delay in ms."""

    type_name: ClassVar[str] = "slow_close"
    struct_name: ClassVar[str] = "SlowCloseToxic"

    delay: int = 0

    async def pipe(self, pipe: Pipe, /) -> None:
        """Move data, then wait."""
        while (piece := await pipe.receive()) is not None:
            await pipe.send(piece)
        await pipe.sleep(self.delay / 1000)
        pipe.end()
