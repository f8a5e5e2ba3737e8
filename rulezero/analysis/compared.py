"""What a series of pairs says: each treatment against the control, measure by measure, and what may be called.

Pure functions of a `Series` of kind "ab". ab.json is a `Comparison` as it stands here, with `schema_version`, and with
`records` (of the pairs that count) and `invalid` in place of the entries; an infinite end of an interval is null.

The yardstick decides where the experiment has one, but goodput comes first: where that harms, the treatment harms.
Every other measure is shown with its interval and decides nothing. The error rate is shared out among the looks, the
treatments, and the measures that decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import msgspec

from rulezero.analysis.judge import NOTABLE
from rulezero.analysis.measures import GOODPUT, Better
from rulezero.analysis.paired import ERROR_RATE, Call, Interval, call, interval, looks, more_pairs
from rulezero.analysis.pairs import YARDSTICK, Asked, Column, asked_of, columns, gave_up
from rulezero.series import Entry, Series

SCHEMA_VERSION = 1
Ending = Literal["clear", "complete", "invalid"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a treatment does to one measure.

    Args:
        measure: Its name; `YARDSTICK` is what the experiment compares by.
        text: What it is, in words.
        control: The mean over the pairs; `treatment` likewise.
        differences: Treatment less control, by pair.
        interval: Of their mean.
        floor: The smallest effect that is called; `floor_measured`: by `rulezero aa`.
        outside: Whether the whole interval lies beyond the floor, and which way.

    """

    measure: str
    text: str
    unit: str
    better: Better
    control: float
    treatment: float
    differences: Mapping[str, float]
    interval: Interval
    floor: float
    floor_measured: bool
    outside: Literal["better", "worse"] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Treatment:
    """One treatment: the call, the measure it goes by, and the effects on all that were measured.

    `more_pairs`: how many more would settle it, where that can be said. `never_decided` are its defences that were on
    in every pair and never did anything.
    """

    arm: str
    call: Call
    decided_by: str
    more_pairs: int | None
    never_decided: Sequence[str]
    effects: Sequence[Effect]

    @property
    def deciding(self) -> Effect | None:
        """Return the effect it goes by; None where that was not measured."""
        return next((effect for effect in self.effects if effect.measure == self.decided_by), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A series so far. `pairs` counts the valid ones; `ending` says why it is over, None while it is not."""

    experiment: str
    control: str
    treatments: Sequence[Treatment]
    pairs: int
    pairs_asked: int
    ending: Ending | None
    error_rate: float
    floors_from: str | None
    entries: Sequence[Entry]
    host: Mapping[str, Any]
    started_at: str
    reproduce: str


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the content of ab.json."""
    content: dict[str, Any] = msgspec.to_builtins(comparison)
    entries = content.pop("entries")
    return {
        "schema_version": SCHEMA_VERSION,
        **content,
        "records": [entry["record"] for entry in entries if entry["valid"]],
        "invalid": [
            {"record": entry["record"], "reasons": entry["reasons"]} for entry in entries if not entry["valid"]
        ],
    }


def compare(series: Series) -> Comparison:
    """Return what a series says. Between two looks, and before the first, everything is inconclusive.

    Raises:
        UsageProblem: The series does not say what was asked.

    """
    asked = asked_of(series)
    entries = series.valid()
    treatments = [_treatment(entries, asked, arm) for arm in asked.treatments]
    return Comparison(
        experiment=series.experiment,
        control=asked.control,
        treatments=treatments,
        pairs=len(entries),
        pairs_asked=asked.pairs,
        ending=_ending(series, asked, treatments),
        error_rate=ERROR_RATE,
        floors_from=asked.floors_from if asked.floors is not None else None,
        entries=tuple(series.entries),
        host=series.host,
        started_at=series.started_at,
        reproduce=series.reproduce,
    )


def _ending(series: Series, asked: Asked, treatments: Sequence[Treatment]) -> Ending | None:
    pairs = len(series.valid())
    if pairs >= asked.pairs:
        return "complete"
    if pairs in looks(asked.pairs) and all(each.call != "inconclusive" for each in treatments):
        return "clear"
    return "invalid" if gave_up(series, asked) else None


def _treatment(entries: Sequence[Entry], asked: Asked, arm: str) -> Treatment:
    deciding = _deciding(asked)
    error_rate = ERROR_RATE / (len(looks(asked.pairs)) * len(asked.treatments) * len(deciding))
    found = {each.name: each for each in columns(asked)}
    seen = {name: _effect(entries, asked, each, arm, error_rate) for name, each in found.items()}
    effects = {name: effect for name, effect in seen.items() if effect is not None}
    margins = {name: found[name].margin_at(effect.control) or 0.0 for name, effect in effects.items()}
    calls = {
        name: call(effects[name].interval, better=found[name].better, floor=effects[name].floor, margin=margins[name])
        for name in deciding
        if name in effects
    }
    decided = _decided(deciding, calls, effects)
    goes_by = effects.get(decided)
    at_a_look = len(entries) in looks(asked.pairs)
    called: Call = calls.get(decided, "inconclusive") if at_a_look else "inconclusive"
    more = None
    if goes_by is not None and at_a_look and called == "inconclusive":
        differences = list(goes_by.differences.values())
        more = more_pairs(differences, error_rate=error_rate, floor=goes_by.floor, margin=margins[decided])
    return Treatment(
        arm=arm,
        call=called,
        decided_by=decided,
        more_pairs=more,
        never_decided=_never_decided(entries, arm),
        effects=list(effects.values()),
    )


def _deciding(asked: Asked) -> list[str]:
    """Return the measures that decide, the one that is asked about first."""
    if asked.yardstick is None:
        return [GOODPUT.name]
    return [YARDSTICK] if asked.yardstick.alone else [YARDSTICK, GOODPUT.name]


def _decided(deciding: Sequence[str], calls: Mapping[str, Call], effects: Mapping[str, Effect]) -> str:
    """Return which of them it goes by: goodput where it harms, or where it may and looks as if it did."""
    first, *others = deciding
    for other in others:
        maybe = calls.get(other) == "inconclusive" and effects[other].interval.mean < -NOTABLE
        if calls.get(other) == "harms" or (maybe and calls.get(first) != "harms"):
            return other
    return first


def _effect(entries: Sequence[Entry], asked: Asked, column: Column, arm: str, error_rate: float) -> Effect | None:
    """Return what a treatment does to a measure, by the pairs in which both arms have it; None without any."""
    both = {
        entry.key: (value, other)
        for entry in entries
        if (value := column.value(entry, arm)) is not None and (other := column.value(entry, asked.control)) is not None
    }
    if not both:
        return None
    differences = {key: value - other for key, (value, other) in both.items()}
    mean = fmean(other for _, other in both.values())
    seen = interval(list(differences.values()), error_rate=error_rate)
    # Without a floor that was measured: what is notable, for what decides; any difference, for what does not.
    measured = (asked.floors or {}).get(column.name)
    floor = (column.margin_at(mean) or 0.0) if measured is None else measured
    beyond = call(seen, better=column.better, floor=floor, margin=0.0)
    return Effect(
        measure=column.name,
        text=column.text,
        unit=column.unit,
        better=column.better,
        control=mean,
        treatment=fmean(value for value, _ in both.values()),
        differences=differences,
        interval=seen,
        floor=floor,
        floor_measured=measured is not None,
        outside="better" if beyond == "helps" else "worse" if beyond == "harms" else None,
    )


def _never_decided(entries: Sequence[Entry], arm: str) -> list[str]:
    """Return the defences of an arm that did nothing in any of these runs."""
    idle = [set(entry.not_exercised.get(arm, ())) for entry in entries]
    return sorted(set.intersection(*idle)) if idle else []
