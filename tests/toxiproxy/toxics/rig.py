"""A stage between a hand that feeds it and an output that notes what comes when."""

import asyncio
import random

from rulezero.toxiproxy.channel import Piece
from rulezero.toxiproxy.stage import Stage
from rulezero.toxiproxy.toxic import Direction, Toxic
from rulezero.toxiproxy.toxics.behaviour import Behaviour


class Rig:
    """Output and owner of one stage; make it inside a running loop."""

    def __init__(self, behaviour: Behaviour, seed: int = 1) -> None:
        self.arrivals: list[tuple[float, bytes]] = []
        self.ended_at_s: float | None = None
        self.closed = False
        self.failed = False
        self.resets_s: list[float] = []
        self.full = False
        toxic = Toxic("t", "downstream", Direction.DOWNSTREAM, 1.0, behaviour)
        self.stage = Stage(toxic, self, random.Random(seed))
        self.stage.output = self
        self.stage.ensure_running()

    def feed(self, *pieces: bytes, end: bool = False) -> None:
        """Let pieces arrive now."""
        now_s = asyncio.get_running_loop().time()
        for data in pieces:
            self.stage.input.put(Piece(data, now_s))
        if end:
            self.stage.input.end()

    @property
    def data(self) -> bytes:
        """Everything that came."""
        return b"".join(data for _, data in self.arrivals)

    @property
    def times_s(self) -> list[float]:
        """When each piece came."""
        return [round(at_s, 6) for at_s, _ in self.arrivals]

    # The output.

    def is_full(self) -> bool:
        return self.full

    def put(self, piece: Piece) -> None:
        self.arrivals.append((asyncio.get_running_loop().time(), bytes(piece.data)))

    def end(self) -> None:
        self.ended_at_s = round(asyncio.get_running_loop().time(), 6)

    async def wait_for_room(self) -> None:
        await asyncio.sleep(1)

    # The owner.

    def close_when_drained(self) -> None:
        self.closed = True

    def reset_after(self, delay_s: float) -> None:
        self.resets_s.append(delay_s)

    def fail(self) -> None:
        self.failed = True
