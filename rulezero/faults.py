"""Faults, in Toxiproxy's own words, and the trace each must leave in the metrics.

A fault is data. `at_s` counts from the start of the fault phase; without `for_s` a toxic lasts for the whole phase.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """The proof that a fault took effect: a counter's rate during the fault beside its rate in the baseline.

    `metric` and `labels` pick the series (summed). The fault is proven when fault rate / baseline rate is at most
    `ratio_max`, or at least `ratio_min`; an expiry, when the counter grew by at least `increase_min` right after each.
    """

    metric: str
    labels: dict[str, str] = field(default_factory=dict)
    ratio_max: float | None = None
    ratio_min: float | None = None
    increase_min: float | None = None

    def __post_init__(self) -> None:
        """Refuse a signature that anything would meet."""
        if self.ratio_max is None and self.ratio_min is None and self.increase_min is None:
            raise ValueError("a signature needs ratio_max, ratio_min or increase_min")


@dataclass(frozen=True, kw_only=True, slots=True)
class Toxic:
    """A toxic on a link, as Toxiproxy's API takes it."""

    link: str
    type: str
    signature: Signature
    attributes: dict[str, int] = field(default_factory=dict)
    stream: Literal["upstream", "downstream"] = "downstream"
    toxicity: float = 1.0
    at_s: float = 0.0
    for_s: float | None = None

    @property
    def text(self) -> str:
        """Return the fault in one phrase."""
        numbers = ", ".join(f"{key} {value}" for key, value in self.attributes.items())
        return f"{self.type} on {self.link} ({self.stream}{', ' + numbers if numbers else ''})"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheExpiry:
    """A key of the cache expires at each of these instants (seconds into the fault phase)."""

    key: str
    at_s: tuple[float, ...]
    signature: Signature

    @property
    def text(self) -> str:
        """Return the fault in one phrase."""
        return f"{self.key} expires {len(self.at_s)} times"


Fault = Toxic | CacheExpiry
