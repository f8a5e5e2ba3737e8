"""What arms, runs and machines are compared by: one number each, with its unit and which way is better.

Everything that compares goes by these: pairs of arms, the gate, the matrix, the price list, the sweep.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from rulezero.analysis.budget import ONSET
from rulezero.checks import good_after_onset, good_share
from rulezero.errors import UsageProblem
from rulezero.experiment import Figures

Better = Literal["higher", "lower"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One of them. `figure` takes what verdict.json says of an arm; None means that this arm cannot say.

    `unit` is "share" for what lies between 0 and 1 and differs in points, else a unit, or "" for a count.
    """

    name: str
    text: str
    unit: Literal["share", "ms", "s", ""]
    better: Better
    figure: Callable[[Figures], float | None]


def _p99(phase: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures["latency_ms"][phase]["p99"]


def _recovery_s(figures: Figures) -> float | None:
    """Return the time until it was back, at least the whole hold where it never was."""
    found: float | None = figures["recovery_s"]
    return figures["lengths_s"]["hold"] if found is None else found


def _amplification(figures: Figures) -> float | None:
    """Return the attempts per request on the worst link, from the fault on."""
    by_link = figures["attempts_per_request"].values()
    counts = [by_phase[phase] for by_phase in by_link for phase in ONSET if by_phase[phase] is not None]
    return max(counts, default=None)


def _origin_loads(figures: Figures) -> float | None:
    loads = figures["origin_loads"]
    return None if loads is None else loads["total"]


def _dead_share(figures: Figures) -> float | None:
    """Return the share of its slots' time that the worst service spent on callers who had left."""
    shares = [work["share"]["hold"] for work in figures["dead_work"].values() if work["share"]["hold"] is not None]
    return max(shares, default=None)


GOODPUT = Measure(
    name="goodput",
    text="share of what was offered from the fault on that was good",
    unit="share",
    better="higher",
    figure=good_after_onset,
)
MEASURES = (
    GOODPUT,
    Measure(
        name="goodput_fault",
        text="the same in the fault",
        unit="share",
        better="higher",
        figure=lambda figures: good_share(figures, "fault"),
    ),
    Measure(
        name="goodput_hold",
        text="the same in the hold",
        unit="share",
        better="higher",
        figure=lambda figures: good_share(figures, "hold"),
    ),
    Measure(
        name="recovery_s",
        text="from the end of the fault until goodput is back for good; the whole hold where it never is",
        unit="s",
        better="lower",
        figure=_recovery_s,
    ),
    Measure(
        name="p99_fault_ms",
        text="p99 of the good answers in the fault",
        unit="ms",
        better="lower",
        figure=_p99("fault"),
    ),
    Measure(
        name="p99_hold_ms",
        text="p99 of the good answers in the hold",
        unit="ms",
        better="lower",
        figure=_p99("hold"),
    ),
    Measure(
        name="budget_burnt",
        text="bad requests over those that the objective allows, from the fault on",
        unit="",
        better="lower",
        figure=lambda figures: figures["budget"]["burnt"],
    ),
    Measure(
        name="amplification",
        text="attempts per request on the worst link, from the fault on",
        unit="",
        better="lower",
        figure=_amplification,
    ),
    Measure(
        name="dead_work_hold",
        text="share of the slots' time for callers who had left, in the hold, at the worst service",
        unit="share",
        better="lower",
        figure=_dead_share,
    ),
    Measure(
        name="origin_loads",
        text="loads of cached entries that reached the database",
        unit="",
        better="lower",
        figure=_origin_loads,
    ),
)


def measured(figures: Figures) -> dict[str, float | None]:
    """Return all of them of one arm."""
    return {measure.name: measure.figure(figures) for measure in MEASURES}


def measure_named(name: str) -> Measure:
    """Return one by its name. Raises UsageProblem."""
    found = {measure.name: measure for measure in MEASURES}
    if name not in found:
        raise UsageProblem(f"there is no measure {name!r}; there are: {', '.join(_names(MEASURES))}")
    return found[name]


def _names(measures: Iterable[Measure]) -> list[str]:
    return [measure.name for measure in measures]
