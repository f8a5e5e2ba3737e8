"""Resets the connection: TCP RST to both sides, `timeout` ms after the first data or the end of it.

Everything since then is lost. Once the first data has come nothing calls the reset off.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from rulezero.toxiproxy.toxics.behaviour import Behaviour, Pipe


@dataclass(slots=True)
class ResetPeer(Behaviour):
    """Timeout in ms; 0 resets at once."""

    type_name: ClassVar[str] = "reset_peer"
    struct_name: ClassVar[str] = "ResetToxic"

    timeout: int = 0

    async def pipe(self, pipe: Pipe, /) -> None:
        """Wait for data, then doom the connection and take no more."""
        await pipe.receive()
        pipe.hand = None
        pipe.reset_after(self.timeout / 1000)
        await asyncio.get_running_loop().create_future()  # The reset, or an interruption, ends this.
