"""What a sweep found: the state of the system at each point, beside what the closed form has for it.

The states are those of `metastability`, from the figures that a series holds. A closed form says how long it takes to
come back, so a point is as predicted when it came back, or stayed down to the end of its hold, as was predicted.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec

from rulezero.analysis.metastability import HOLD_TIMEOUTS_MIN
from rulezero.analysis.recovery import RECOVERED_FOR_S, RECOVERED_SHARE
from rulezero.analysis.sweep_border import border, crossings
from rulezero.analysis.sweep_points import AXES_MAX, Axis, Point, key_of, spread
from rulezero.errors import UsageProblem
from rulezero.experiment import Burst, Experiment, Stream
from rulezero.series import Entry, Series

State = Literal["robust", "recovered", "metastable", "undecided", "invalid", "not run"]

SCHEMA_VERSION = 1
TRIES = 2
HOLD_S_MIN, HOLD_S_MAX = 12.0, 40.0
_HOLD, _SECONDS, _TIMEOUTS = "hold", "seconds", "timeouts"
_TOLD_FROM_S = 1.0  # The resolution of a recovery is a quarter of a second: shorter ones have no ratio worth telling.


class Varied(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter and the values that it was given, ascending."""

    name: str
    values: Annotated[list[float], msgspec.Meta(min_length=1)]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep was asked for. `definition` is the experiment's file as a hash."""

    arm: str
    vary: Annotated[list[Varied], msgspec.Meta(min_length=1, max_length=AXES_MAX)]
    seed: int
    target: str
    definition: str

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Return what is varied: the first goes to the right, the second up."""
        return tuple(Axis(name=one.name, values=tuple(one.values)) for one in self.vary)


def asked_of(series: Series) -> Asked:
    """Return what a series of a sweep was asked for. Raises UsageProblem when it does not say."""
    try:
        return msgspec.convert(series.asked, Asked)
    except msgspec.ValidationError as error:
        raise UsageProblem(f"series.json does not say what was swept ({error}); sweep again") from None


def hold_s(predicted_s: float | None, timeout_s: float) -> float:
    """Return how long to go on after the fault to tell a system that comes back from one that stays down.

    At least ten timeouts, and twice what is predicted as far as that is bearable.
    """
    least_s = max(HOLD_S_MIN, float(math.ceil(HOLD_TIMEOUTS_MIN * timeout_s)))
    if predicted_s is None or math.isinf(predicted_s):
        return max(least_s, HOLD_S_MAX)  # That it stays down is what is claimed: one waits as long as for any other.
    return min(max(least_s, float(math.ceil(2 * predicted_s + 5))), max(least_s, HOLD_S_MAX))


def timeout_s(experiment: Experiment) -> float:
    """Return how long the most patient client waits."""
    loads: list[Stream | Burst] = [*experiment.streams, *experiment.bursts]
    return max((load.deadline_s for load in loads), default=1.0)


def stays_down(predicted_s: float, length_s: float) -> bool:
    """Return whether a hold of this length ends before it could be seen that the system is back."""
    return predicted_s > length_s - RECOVERED_FOR_S


def measured_with(point: Point, length_s: float, timeout: float) -> dict[str, dict[str, float | None]]:
    """Return what the entry of a run says of its point besides its measures."""
    return {"point": dict(point), _HOLD: {_SECONDS: length_s, _TIMEOUTS: length_s / timeout}}


def next_seed(series: Series, point: Point, seed: int) -> int | None:
    """Return the seed of the next run of a point: one that was invalid is repeated once. None: it is done."""
    tried = _tries(series, point)
    if any(entry.valid for entry in tried) or len(tried) >= TRIES:
        return None
    return seed + len(tried)


def state_of(entry: Entry, arm: str) -> State:
    """Return what became of the system in a run."""
    if not entry.valid:
        return "invalid"
    measures, hold = entry.arms[arm], entry.more[_HOLD]
    recovery_s, length_s, kept = measures["recovery_s"], hold[_SECONDS], measures["goodput_fault"]
    if recovery_s is None or length_s is None or kept is None:
        return "undecided"
    if recovery_s < length_s - RECOVERED_FOR_S / 2:  # Later none is seen, and it then stands at the length of the hold.
        return "robust" if recovery_s == 0 and kept >= RECOVERED_SHARE else "recovered"
    return "metastable" if (hold[_TIMEOUTS] or 0.0) >= HOLD_TIMEOUTS_MIN else "undecided"


def concluded(series: Series, experiment: Experiment) -> dict[str, Any]:
    """Return sweep.json. Raises UsageProblem when the experiment cannot be varied, or the series is malformed."""
    if experiment.variants is None:
        raise UsageProblem(f"{experiment.name} has nothing that can be varied any more; sweep again")
    asked = asked_of(series)
    points = [_point(series, experiment, asked, point) for point in sorted(spread(asked.axes), key=_place)]
    agreement = _agreement(points)
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": series.experiment,
        "arm": asked.arm,
        "summary": _summary(points, agreement),
        "vary": [{"name": axis.name, "values": list(axis.values)} for axis in asked.axes],
        "points": points,
        "agreement": agreement,
        "borders": _borders(experiment, asked),
        "seeds": sorted({run["seed"] for point in points for run in point["runs"]}) or [asked.seed],
        "target": asked.target,
        "started_at": series.started_at,
        "host": series.host,
        "reproduce": series.reproduce,
    }


def _place(point: Point) -> tuple[float, ...]:
    return tuple(reversed(point.values()))


def _tries(series: Series, point: Point) -> list[Entry]:
    """Return the runs of a point that were noted as a whole."""
    return [entry for entry in series.entries if entry.key == key_of(point) and _HOLD in entry.more]


def _point(series: Series, experiment: Experiment, asked: Asked, point: Point) -> dict[str, Any]:
    tried = _tries(series, point)
    best = next((entry for entry in tried if entry.valid), tried[-1] if tried else None)
    predicted_s = _predicted_s(experiment, point, asked.arm)
    length_s = hold_s(predicted_s, timeout_s(experiment))
    state: State = "not run"
    recovery_s = None
    if best is not None:
        length_s = best.more[_HOLD][_SECONDS] or length_s
        state = state_of(best, asked.arm)
        recovery_s = best.arms[asked.arm]["recovery_s"] if state in ("robust", "recovered") else None
    predicted = None if predicted_s is None else _told(predicted_s, length_s)
    decided = predicted is not None and state in ("robust", "recovered", "metastable")
    return {
        "at": point,
        "state": state,
        "recovery_s": recovery_s,
        "kept_fault": best.arms[asked.arm]["goodput_fault"] if best is not None and best.valid else None,
        "hold_s": length_s,
        "predicted": predicted,
        "as_predicted": (state == "metastable") == predicted["stays_down"] if predicted and decided else None,
        "runs": [{"record": one.record, "seed": one.seed, "valid": one.valid, "reasons": one.reasons} for one in tried],
    }


def _told(predicted_s: float, length_s: float) -> dict[str, Any]:
    recovery_s = None if math.isinf(predicted_s) else predicted_s
    return {"recovery_s": recovery_s, "stays_down": stays_down(predicted_s, length_s)}


def _predicted_s(experiment: Experiment, point: Point, arm: str) -> float | None:
    return None if experiment.variants is None else experiment.variants.predicted(point, arm)


def _agreement(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    asked = [point["as_predicted"] for point in points if point["as_predicted"] is not None]
    ratios = [
        point["recovery_s"] / point["predicted"]["recovery_s"]
        for point in points
        if point["recovery_s"] is not None and point["predicted"] and not point["predicted"]["stays_down"]
        if point["predicted"]["recovery_s"] >= _TOLD_FROM_S
    ]
    return {
        "as_predicted": sum(asked),
        "compared": len(asked),
        "recovery_ratios": sorted(ratios),
        "never": sum(bool(point["as_predicted"]) and _never(point) for point in points),
        "not_in_hold": sum(
            bool(point["as_predicted"]) and point["predicted"]["stays_down"] and not _never(point) for point in points
        ),
    }


def _summary(points: Sequence[Mapping[str, Any]], agreement: Mapping[str, Any]) -> str:
    counted = Counter(point["state"] for point in points)
    said = ", ".join(f"{counted[state]} {state}" for state in get_args(State) if counted[state])
    if not agreement["compared"]:
        return f"{said}."
    told = [f"{agreement['as_predicted']} of {agreement['compared']} points as predicted"]
    if agreement["never"]:
        told.append(f"{agreement['never']} never to come back")
    if agreement["not_in_hold"]:
        told.append(f"{agreement['not_in_hold']} not within the time that was waited")
    if ratios := agreement["recovery_ratios"]:
        told.append(f"{len(ratios)} back in {ratios[0]:.2g} to {ratios[-1]:.2g} times the predicted time")
    return f"{said}; {told[0]}{': ' if told[1:] else ''}{', '.join(told[1:])}."


def _never(point: Mapping[str, Any]) -> bool:
    return bool(point["predicted"]) and point["predicted"]["recovery_s"] is None


def _borders(experiment: Experiment, asked: Asked) -> list[dict[str, Any]]:
    """Return where the prediction changes: to never, and to a time that no hold of the sweep shows."""
    axes, timeout = asked.axes, timeout_s(experiment)

    def at(*values: float) -> float:
        point = dict(zip([axis.name for axis in axes], values, strict=True))
        return _predicted_s(experiment, point, asked.arm) or 0.0

    def never(*values: float) -> bool:
        return math.isinf(at(*values))

    def unseen(*values: float) -> bool:
        return stays_down(at(*values), hold_s(at(*values), timeout))

    ends = [(axis.values[0], axis.values[-1]) for axis in axes]
    found: list[dict[str, Any]] = []
    for kind, holds in (("never", never), ("unseen", unseen)):
        if len(axes) == 1:
            lines = [[(place, 0.0), (place, 1.0)] for place in crossings(holds, *ends[0])]
        else:
            lines = border(holds, ends[0], ends[1])
        lines = [[(round(x, 6), round(y, 6)) for x, y in line] for line in lines]
        if lines and lines not in [one["lines"] for one in found]:
            found.append({"kind": kind, "lines": lines})
    return found
