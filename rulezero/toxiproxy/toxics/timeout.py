"""Lets nothing through, and closes the connection when no data came for `timeout` ms.

With 0 it stays open until the toxic is removed. Data that arrives is dropped and starts the time anew. Removing the
toxic closes every connection of the direction, affected or not: half of a conversation is gone.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe


@dataclass(slots=True)
class Timeout(Behaviour):
    """Timeout in ms."""

    type_name: ClassVar[str] = "timeout"
    struct_name: ClassVar[str] = "TimeoutToxic"
    closes_when_removed: ClassVar[bool] = True

    timeout: int = 0

    async def pipe(self, pipe: Pipe, /) -> None:
        """Drop data until its end or the timeout."""
        limit_s = self.timeout / 1000 if self.timeout > 0 else None
        try:
            while True:
                async with asyncio.timeout(limit_s):
                    piece = await pipe.receive()
                pipe.hand = None
                if piece is None:
                    pipe.end()
                    return
        except TimeoutError:
            pipe.close()
