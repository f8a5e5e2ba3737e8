"""One moment of a run, as whoever watches it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """`elapsed_s` is of this arm, `remaining_s` of the load of all arms, `phase_left_s` of this phase.

    `goodput_rps` is None before the first answer, `p99_ms` without a good one. `breakers` holds the state of each
    circuit breaker by name, as of the last scrape; empty where none is on.
    """

    arm: str
    phase: str
    elapsed_s: float
    remaining_s: float
    phase_left_s: float
    goodput_rps: float | None
    offered_rps: float
    p99_ms: float | None
    failing: Mapping[str, int]
    breakers: Mapping[str, str]


class Progress(Protocol):
    """Is told how the run goes, about twice a second."""

    def update(self, moment: Moment) -> None:
        """Show one moment."""
