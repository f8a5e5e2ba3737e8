"""What every defence is given: whom it protects, a random source, and someone to tell its decisions."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal, Protocol

Family = Literal["admission", "call", "cache"]


class Teller(Protocol):
    """Receives what a defence decides; `rulezero.telemetry.decisions` turns it into metrics and span attributes."""

    def decided(self, decision: str, **detail: float | str) -> None:
        """One decision, such as "rejected"; the detail goes to the current span."""

    def breaker_state(self, state: int) -> None:
        """0 closed, 1 half-open, 2 open."""

    def concurrency(self, *, limit: int, in_use: int) -> None:
        """How many permits there are and how many are taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The surroundings of one defence around one dependency in one process.

    `caller` is the service this process is, for settings that name who may act (retries).
    """

    dependency: str
    caller: str
    teller: Teller
    random: Random = field(default_factory=lambda: Random(0))
