"""One moment of a run, as whoever watches it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """`elapsed_s` is of this arm, `remaining_s` of the load of all arms; `p99_ms` is None without a good answer."""

    arm: str
    phase: str
    elapsed_s: float
    remaining_s: float
    goodput_rps: float
    offered_rps: float
    p99_ms: float | None
    failing: Mapping[str, int]


class Progress(Protocol):
    """Is told how the run goes, about twice a second."""

    def update(self, moment: Moment) -> None:
        """Show one moment."""
