"""Faults, in Toxiproxy's own words, and the trace each must leave in the metrics.

A fault is data. `at_s` counts from the start of the fault phase; without `for_s` a toxic lasts for the whole phase.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """The proof that a fault took effect: a counter's rate during the fault beside its rate in the baseline.

    `metric` and `labels` pick the series (summed). The fault is proven when fault rate / baseline rate is at most
    `ratio_max`, or at least `ratio_min`, or when the counter grew by at least `increase_min` meanwhile; what happens at
    instants, when it grew by so much right after each.
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


@dataclass(frozen=True, slots=True)
class Trace:
    """The proof where the services tell nothing: the bytes on the link or what its users got must have changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Toxic:
    """A toxic on a link, as Toxiproxy's API takes it."""

    link: str
    type: str
    signature: Signature | Trace
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
    """A key of the cache comes to the end of its time to live at each of these instants (seconds into the fault phase).

    `lead_s` before each, the entry is given so long to live: whoever renews it before, keeps it from expiring.
    """

    key: str
    at_s: tuple[float, ...]
    signature: Signature
    lead_s: float = 0.0

    @property
    def text(self) -> str:
        """Return the fault in one phrase."""
        return f"{self.key} expires {len(self.at_s)} times"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheFlush:
    """The cache loses all it holds, at one instant (seconds into the fault phase)."""

    signature: Signature
    at_s: float = 0.0

    @property
    def text(self) -> str:
        """Return the fault in one phrase."""
        return "the cache is flushed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """Something that goes wrong inside the database: a statement on the primary, and the one that takes it back.

    It lasts for the whole fault phase. `text` says in one phrase what it does.
    """

    text: str
    apply_sql: str
    revert_sql: str
    signature: Signature


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """A part of the lab, a service or a program, is killed (SIGKILL) and started again `for_s` later."""

    part: str
    for_s: float
    signature: Signature
    at_s: float = 0.0

    @property
    def text(self) -> str:
        """Return the fault in one phrase."""
        return f"{self.part} is killed and started again after {self.for_s:g} s"


Fault = Toxic | CacheExpiry | CacheFlush | Statement | Kill
