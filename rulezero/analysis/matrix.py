"""A matrix of defences: what each does alone, what all lose without it, and which pairs fight.

One observation is one round: a run of all arms under the same arrivals. Everything is a difference within a round,
counted so that more is better. The interaction of a pair is (both - one - other + none), the contrast of a 2 x 2
factorial design (Fisher 1935). Less than the sum is not yet a fight: two that each save everything cannot save it
twice. A pair fights when together they do worse than one of them alone. The three questions (alone, left out, pairs)
keep the error rate each; the intervals of one question hold together (Bonferroni).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any, Literal

from rulezero.analysis.combinations import arm_name, subsets
from rulezero.analysis.judge import NOTABLE
from rulezero.analysis.matrix_summary import summary
from rulezero.analysis.paired import ERROR_RATE, Call, call, interval
from rulezero.series import Series

SCHEMA_VERSION = 1
Together = Literal["fights", "overlaps", "adds up", "reinforces", "not clear"]
Sign = Literal["better", "worse", "nothing", "not clear"]
Values = Mapping[str, float]

_SIGNS: Mapping[Call, Sign] = {
    "helps": "better", "harms": "worse", "no effect": "nothing", "inconclusive": "not clear",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rounds:
    """What each round measured of each arm, more is better.

    `floor` is the smallest difference that can be told from noise here; one that is surely within `margin` is none.
    """

    rounds: Sequence[Values]
    control: str
    floor: float
    margin: float

    def effect(self, weights: Mapping[tuple[str, ...], float], error_rate: float) -> dict[str, Any]:
        """Return a weighted sum over arms, by the sets of their defences: its mean, its range, and what that says."""
        named = {arm_name(defences, self.control): weight for defences, weight in weights.items()}
        sums = [
            sum(weight * arms[name] for name, weight in named.items())
            for arms in self.rounds
            if all(name in arms for name in named)
        ]
        if not sums:
            return {"mean": None, "low": None, "high": None, "rounds": 0, "says": "not clear"}
        found = interval(sums, error_rate=error_rate)
        bounded = math.isfinite(found.low)
        low, high = (found.low, found.high) if bounded else (None, None)
        return {
            "mean": found.mean, "low": low, "high": high, "rounds": found.pairs,
            "says": _SIGNS[call(found, better="higher", floor=self.floor, margin=self.margin)],
        }  # fmt: skip


def matrix(series: Series) -> dict[str, Any]:
    """Return the content of matrix.json."""
    asked = series.asked
    defences: list[str] = asked["defences"]
    measured = _measured(series)
    everything = tuple(defences)
    alone = {name: measured.effect({(name,): 1, (): -1}, ERROR_RATE / len(defences)) for name in defences}
    without = {
        name: measured.effect({everything: 1, _less(everything, name): -1}, ERROR_RATE / len(defences))
        for name in defences
    }
    pairs = [_pair(measured, pair, ERROR_RATE / math.comb(len(defences), 2)) for pair in combinations(defences, 2)]
    total = measured.effect({everything: 1, (): -1}, ERROR_RATE)
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": series.experiment,
        "question": asked["question"],
        "yardstick": asked["yardstick"],
        "reproduce": series.reproduce,
        "host": series.host,
        "started_at": series.started_at,
        "seed": asked["seed"],
        "control": asked["control"],
        "defences": defences,
        "rounds_asked": asked["pairs"],
        "rounds": len(measured.rounds),
        "error_rate": ERROR_RATE,
        "floor": measured.floor,
        "margin": measured.margin,
        "floor_measured": asked["floor"] is not None,
        "not_exercised": _not_exercised(series),
        "invalid": [{"round": one.key, "reasons": one.reasons} for one in series.entries if not one.valid],
        "arms": _arms(series),
        "total": total,
        "alone": alone,
        "without": without,
        "pairs": pairs,
        "summary": summary(total, alone, without, pairs, len(measured.rounds)),
    }


def _pair(measured: _Rounds, pair: tuple[str, str], error_rate: float) -> dict[str, Any]:
    one, other = pair
    interaction = measured.effect({pair: 1, (one,): -1, (other,): -1, (): 1}, error_rate)
    beside = [measured.effect({pair: 1, (name,): -1}, error_rate / len(pair)) for name in pair]
    return {
        "pair": list(pair), "interaction": interaction, "than_alone": dict(zip(pair, beside, strict=True)),
        "says": _together(interaction["says"], [effect["says"] for effect in beside]),
    }  # fmt: skip


def _together(interaction: Sign, than_alone: Sequence[Sign]) -> Together:
    if interaction != "worse":
        words: dict[Sign, Together] = {
            "better": "reinforces", "nothing": "adds up", "not clear": "not clear",
        }  # fmt: skip
        return words[interaction]
    if "worse" in than_alone:
        return "fights"
    return "not clear" if "not clear" in than_alone else "overlaps"


def _measured(series: Series) -> _Rounds:
    """Return what the rounds that may be believed measured, by goodput or by the experiment's yardstick."""
    sign = -1.0 if series.asked["yardstick"] else 1.0
    control = series.asked["control"]
    rounds = [
        {name: sign * value for name, value in entry.yardsticks.items() if value is not None}
        for entry in series.valid()
    ]
    scale = abs(fmean([arms[control] for arms in rounds if control in arms] or [0.0]))
    notable = NOTABLE * (scale if series.asked["yardstick"] else 1.0)
    found: float | None = series.asked["floor"]
    return _Rounds(rounds=rounds, control=control, floor=notable if found is None else found, margin=notable)


def _not_exercised(series: Series) -> list[str]:
    """Return the defences that never decided anything, in no arm of no round: of those nothing can be said."""
    sets = [set(defences) for defences in subsets(series.asked["defences"])]
    names = [arm_name(defences, series.asked["control"]) for defences in subsets(series.asked["defences"])]
    found = []
    for defence in series.asked["defences"]:
        idle = [
            defence in entry.not_exercised[name]
            for entry in series.valid()
            for name, on in zip(names, sets, strict=True)
            if defence in on and name in entry.not_exercised
        ]
        if idle and all(idle):
            found.append(defence)
    return found


def _arms(series: Series) -> list[dict[str, Any]]:
    """Return each arm with what it measured, as it is told: not turned around for a yardstick."""
    found = []
    for defences in subsets(series.asked["defences"]):
        name = arm_name(defences, series.asked["control"])
        values = [value for entry in series.valid() if (value := entry.yardsticks.get(name)) is not None]
        range_ = interval(values) if values else None
        bounded = range_ is not None and math.isfinite(range_.low)
        found.append(
            {
                "name": name, "defences": list(defences), "rounds": len(values),
                "mean": range_.mean if range_ else None,
                "low": range_.low if range_ and bounded else None,
                "high": range_.high if range_ and bounded else None,
            }
        )  # fmt: skip
    return found


def _less(defences: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(one for one in defences if one != name)
