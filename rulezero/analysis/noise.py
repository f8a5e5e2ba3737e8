"""What a series of pairs of the same arm says: how much two runs of the same differ, and how often that is called.

Pure functions of a `Series` of kind "aa". The smallest effect that can be told from noise is half the width of the
interval that `rulezero ab` would give to 8 pairs which scatter as these do.

aa.json is a `NoiseFloor` as it stands here, with `schema_version` and `floors`, and with `records` (of the pairs that
count) and `invalid` in place of the entries. An end of an interval that is infinite is null.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from rulezero.analysis.measures import Better
from rulezero.analysis.paired import ERROR_RATE, Interval, deviation, half_width, interval, looks, sequential_call
from rulezero.analysis.pairs import Asked, Column, asked_of, columns, gave_up
from rulezero.series import Entry, Series

SCHEMA_VERSION = 1
PAIRS = 8
RESAMPLES = 2000
Ending = Literal["complete", "invalid"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Two runs of the same, by one measure.

    Args:
        mean: Of the arm itself, over the pairs.
        again: The second of the two arms less the first, by name.
        later: The one that ran second less the one that ran first.
        resolved: The smallest effect that 8 pairs can tell; None where the runs do not differ at all, or one pair.
        resampled: The share of false calls among `RESAMPLES` draws of 8 of the differences with random signs.
        blocks: How many times 8 pairs in a row there are, and `blocks_called` those among them that were called.

    """

    measure: str
    text: str
    unit: str
    better: Better
    mean: float
    again: Interval
    later: Interval
    resolved: float | None
    resampled: float
    blocks: int
    blocks_called: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseFloor:
    """The series so far. `ending` says why it is over, None while it is not."""

    experiment: str
    arm: str
    pairs: int
    pairs_asked: int
    ending: Ending | None
    measures: Sequence[Noise]
    entries: Sequence[Entry]
    host: Mapping[str, Any]
    started_at: str
    reproduce: str

    @property
    def floors(self) -> dict[str, float] | None:
        """Return what `rulezero ab` goes by; None by fewer than 8 pairs, whose deviation says too little."""
        if self.pairs < PAIRS:
            return None
        return {each.measure: each.resolved for each in self.measures if each.resolved is not None}


def as_json(floor: NoiseFloor) -> dict[str, Any]:
    """Return the content of aa.json."""
    content: dict[str, Any] = msgspec.to_builtins(floor)
    entries = content.pop("entries")
    return {
        "schema_version": SCHEMA_VERSION,
        **content,
        "floors": floor.floors,
        "records": [entry["record"] for entry in entries if entry["valid"]],
        "invalid": [
            {"record": entry["record"], "reasons": entry["reasons"]} for entry in entries if not entry["valid"]
        ],
    }


def noise_floor(series: Series) -> NoiseFloor:
    """Return what a series says. Raises UsageProblem when it does not say what was asked."""
    asked = asked_of(series)
    entries = series.valid()
    found = (_noise(entries, asked, column) for column in columns(asked))
    return NoiseFloor(
        experiment=series.experiment,
        arm=asked.control,
        pairs=len(entries),
        pairs_asked=asked.pairs,
        ending="complete" if len(entries) >= asked.pairs else "invalid" if gave_up(series, asked) else None,
        measures=[each for each in found if each is not None],
        entries=tuple(series.entries),
        host=series.host,
        started_at=series.started_at,
        reproduce=series.reproduce,
    )


def _noise(entries: Sequence[Entry], asked: Asked, column: Column) -> Noise | None:
    first, second = asked.control, asked.treatments[0]
    both = [
        (value, other, entry.order[-1] == second)
        for entry in entries
        if (value := column.value(entry, first)) is not None and (other := column.value(entry, second)) is not None
    ]
    if not both:
        return None
    differences = [other - value for value, other, _ in both]
    later = [other - value if in_order else value - other for value, other, in_order in both]
    mean = sum(value for value, _, _ in both) / len(both)
    spread = deviation(differences)
    error_rate = ERROR_RATE / len(looks(PAIRS))
    blocks = [differences[start : start + PAIRS] for start in range(0, len(differences) - PAIRS + 1, PAIRS)]
    called = _rule(column, mean)
    return Noise(
        measure=column.name,
        text=column.text,
        unit=column.unit,
        better=column.better,
        mean=mean,
        again=interval(differences),
        later=interval(later),
        resolved=half_width(spread, PAIRS, error_rate=error_rate) if len(both) > 1 and spread else None,
        resampled=_resampled(differences, called, asked.seed),
        blocks=len(blocks),
        blocks_called=sum(map(called, blocks)),
    )


def _rule(column: Column, mean: float) -> Callable[[Sequence[float]], bool]:
    """Return whether `rulezero ab` would call an effect of these differences if it knew of no floor."""
    margin = column.margin_at(mean) or 0.0

    def called(differences: Sequence[float]) -> bool:
        return sequential_call(differences, better=column.better, floor=0.0, margin=margin) in ("helps", "harms")

    return called


def _resampled(differences: Sequence[float], called: Callable[[Sequence[float]], bool], seed: int) -> float:
    """Return the share of false calls: without an effect the sign of a difference is chance."""
    rng = random.Random(seed)
    count = min(PAIRS, len(differences))
    alarms = sum(
        called([each * rng.choice((-1, 1)) for each in rng.sample(differences, count)]) for _ in range(RESAMPLES)
    )
    return alarms / RESAMPLES
