"""Series of pairs with made-up values."""

from collections.abc import Mapping, Sequence
from typing import Any

from rulezero.analysis.measures import MEASURES
from rulezero.series import Entry, Series

Values = Mapping[str, float | None]

ASKED: Mapping[str, Any] = {
    "control": "none",
    "treatments": ["timeout"],
    "pairs": 8,
    "seed": 1,
    "yardstick": None,
    "definition": "0" * 64,
    "target": "embedded",
    "floors": None,
    "floors_from": None,
}
# Goodput of 8 pairs with hardly any noise around 40 %.
CALM = (0.40, 0.41, 0.39, 0.40, 0.40, 0.41, 0.39, 0.40)


def measures(**values: float | None) -> dict[str, float | None]:
    """Return what a run says of an arm: these, and nothing of the others."""
    return {**dict.fromkeys(each.name for each in MEASURES), **values}


def entry(
    number: int,
    arms: Mapping[str, Values],
    *,
    yardsticks: Values | None = None,
    valid: bool = True,
    not_exercised: Mapping[str, Sequence[str]] | None = None,
) -> Entry:
    """Return one pair; the order is that of a series of pairs."""
    names = list(arms)
    return Entry(
        key=f"pair-{number}",
        record=f"record-{number}",
        seed=number,
        order=names if number % 2 else names[::-1],
        valid=valid,
        reasons=[] if valid else ["none: the control did not fail"],
        arms={name: measures(**values) for name, values in arms.items()},
        yardsticks=dict(yardsticks or dict.fromkeys(arms)),
        not_exercised={name: list(idle) for name, idle in (not_exercised or {}).items()},
    )


def series(*entries: Entry, kind: str = "ab", **asked: Any) -> Series:
    return Series(
        kind=kind,
        experiment="cascading_failure",
        reproduce=f"rulezero {kind} cascading_failure",
        asked={**ASKED, **asked},
        host={"cores": 2, "platform": "Linux", "python": "3.11"},
        started_at="2026-11-22T12:00:00+00:00",
        entries=list(entries),
    )


def goodput(control: Sequence[float], **treatments: Sequence[float]) -> list[Entry]:
    """Return a pair for each value of the control, with these of each treatment."""
    return [
        entry(
            place + 1,
            {
                "none": {"goodput": value},
                **{name: {"goodput": values[place]} for name, values in treatments.items()},
            },
        )
        for place, value in enumerate(control)
    ]


def shifted(values: Sequence[float], by: float, *noise: float) -> list[float]:
    """Return these values with an effect, and some noise that repeats."""
    around = noise or (0.004, -0.004, 0.002, -0.002)
    return [value + by + around[place % len(around)] for place, value in enumerate(values)]
