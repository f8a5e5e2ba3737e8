"""What every kind of toxic has in common: integer attributes, and a `pipe` that moves data the way the toxic wants.

A behaviour is shared by all connections; what belongs to one connection lives in the stage. `pipe` may be cancelled
wherever it waits; the stage then passes on what was in hand.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol

from rulezero.toxiproxy.channel import CAPACITY_DEFAULT, Piece
from rulezero.toxiproxy.go_json.decode import Struct


class Random(Protocol):
    """The part of `random.Random` that toxics draw from."""

    def randrange(self, start: int, stop: int, /) -> int:
        """Return a whole number from `start` up to, not including, `stop`."""


class Pipe(Protocol):
    """The stage, as seen by a behaviour."""

    hand: Piece | None
    passed_bytes: int

    @property
    def random(self) -> Random:
        """The source of chance."""

    async def receive(self) -> Piece | None:
        """Take the next piece in hand; None at the end of the data."""

    async def send(self, piece: Piece, rest: Piece | None = None) -> None:
        """Pass a piece on when there is room; afterwards `rest` is in hand."""

    async def sleep(self, delay_s: float) -> None:
        """Hold still."""

    def now_s(self) -> float:
        """Return the loop's clock."""

    def end(self) -> None:
        """Pass the end of the data on."""

    def close(self) -> None:
        """End the connection behind the data passed on so far."""

    def reset_after(self, delay_s: float) -> None:
        """Reset the connection after a delay that nothing calls off."""


@dataclass(slots=True)
class Behaviour(ABC):
    """Subclasses are dataclasses whose fields, all integers with default 0, are the toxic's attributes."""

    type_name: ClassVar[str]
    struct_name: ClassVar[str]  # The Go type that errors about attributes name.
    integer_type: ClassVar[str] = "int64"
    buffered_pieces: ClassVar[int] = CAPACITY_DEFAULT
    closes_when_removed: ClassVar[bool] = False

    @abstractmethod
    async def pipe(self, pipe: "Pipe", /) -> None:
        """Move data until its end."""

    @classmethod
    def struct(cls) -> Struct:
        """Describe the attributes to the JSON decoder."""
        kinds: dict[str, str | Struct] = {field.name: cls.integer_type for field in fields(cls)}
        return Struct(cls.struct_name, f"toxics.{cls.struct_name}", kinds)

    def to_json(self) -> str:
        """Write the attributes in their declared order."""
        return "{" + ",".join(f'"{field.name}":{getattr(self, field.name)}' for field in fields(self)) + "}"
