"""Series of a matrix of three defences, from what each combination would measure."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from rulezero.analysis.combinations import arm_name, subsets
from rulezero.series import Entry, Series

DEFENCES = ("timeout", "deadline", "retry")
JITTER = (0.0, 0.004, -0.004, 0.002)

Measure = Callable[[set[str]], float | None]


def series(
    measure: Measure,
    *,
    rounds: int = 4,
    yardstick: str | None = None,
    floor: float | None = None,
    defences: Sequence[str] = DEFENCES,
    **last: Any,
) -> Series:
    """Return rounds that measured this, a little scattered; `last` changes the last of them."""
    names = {arm_name(chosen, "none"): set(chosen) for chosen in subsets(defences)}
    entries = []
    for number in range(rounds):
        values = {}
        for place, (name, chosen) in enumerate(names.items()):
            value = measure(chosen)
            values[name] = None if value is None else value + JITTER[(number + place) % len(JITTER)]
        told: dict[str, Any] = {
            "key": f"round-{number + 1}", "record": "x", "seed": number, "order": list(names), "valid": True,
            "reasons": [], "arms": {}, "yardsticks": values,
        }  # fmt: skip
        entries.append(Entry(**told | (last if number == rounds - 1 else {})))
    return Series(
        kind="matrix", experiment="sample", reproduce="rulezero matrix sample", host={"cores": 2, "python": "3"},
        started_at="now",
        asked={
            "defences": list(defences), "pairs": rounds, "seed": 1, "control": "none", "question": "Which?",
            "yardstick": yardstick, "floor": floor,
        },
        entries=entries,
    )  # fmt: skip


def additive(**gains: float) -> Measure:
    """Return a measure to which each defence adds, from a fifth on."""
    return lambda on: 0.2 + sum(gains.get(name, 0.0) for name in on)


def pairs_of(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    said = {tuple(pair["pair"]): pair["says"] for pair in found["pairs"]}
    return {pair: said[pair] for pair in combinations(found["defences"], 2)}
