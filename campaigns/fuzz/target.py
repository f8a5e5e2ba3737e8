"""What is fuzzed: a target takes one input at a time and says whether it was accepted."""

from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]


class Unhandled(Exception):
    """An input had an effect that none may have."""


class Target:
    """One thing that takes input. `share` is its part of all inputs, in hundredths."""

    name: str
    share: int

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""

    def attempt(self, random: Random) -> bool:
        """Send one input; return whether it was accepted.

        Raises:
            Problem: It was refused, in one line.
            Unhandled: It was not refused as it should be; so does any other exception say.

        """
        raise NotImplementedError
