"""A series of pairs: what `rulezero ab` and `rulezero aa` asked for, and where the values of each measure are found."""

import math
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from rulezero.analysis.judge import NOTABLE
from rulezero.analysis.measures import GOODPUT, MEASURES, Better
from rulezero.series import Entry, Series, asked_as

YARDSTICK = "yardstick"


class AskedYardstick(msgspec.Struct, frozen=True, kw_only=True):
    """What the experiment compares by, less being better; `alone`: whatever becomes of goodput."""

    name: str
    alone: bool


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `asked` of such a series holds.

    `pairs` is how many valid ones are wanted at most. `floors` are the smallest effects, by measure, that `rulezero aa`
    found this machine to resolve in this experiment, None where it was not asked; `floors_from` is its series.
    `definition` is the experiment's file as a hash; `file` is that file where it is one of the user's own.
    """

    control: str
    treatments: Annotated[list[str], Meta(min_length=1)]
    pairs: Annotated[int, Meta(ge=1)]
    seed: int
    yardstick: AskedYardstick | None
    definition: str
    target: str
    file: dict[str, str] | None = None
    floors: dict[str, Annotated[float, Meta(ge=0)]] | None = None
    floors_from: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A measure of the runs. An effect below the margin is none: `margin`, or `margin_share` of the control's mean."""

    name: str
    text: str
    unit: str
    better: Better
    margin: float | None = None
    margin_share: float | None = None

    def value(self, entry: Entry, arm: str) -> float | None:
        """Return an arm's value in a run; None where it has none that is a number."""
        found = entry.yardsticks.get(arm) if self.name == YARDSTICK else entry.arms.get(arm, {}).get(self.name)
        return found if found is not None and math.isfinite(found) else None

    def margin_at(self, control: float) -> float | None:
        """Return the margin beside this mean of the control; None for a measure that decides nothing."""
        return self.margin if self.margin_share is None else self.margin_share * abs(control)


def asked_of(series: Series) -> Asked:
    """Return what was asked for. Raises UsageProblem when the series does not say it."""
    return asked_as(series, Asked)


def columns(asked: Asked) -> list[Column]:
    """Return the measures of a series, the experiment's yardstick first where it has one."""
    found = [
        Column(
            name=each.name,
            text=each.text,
            unit=each.unit,
            better=each.better,
            margin=NOTABLE if each is GOODPUT else None,
        )
        for each in MEASURES
    ]
    if asked.yardstick is None:
        return found
    return [Column(name=YARDSTICK, text=asked.yardstick.name, unit="", better="lower", margin_share=NOTABLE), *found]


def repeats_max(pairs: int) -> int:
    """Return how many invalid pairs are repeated before a series of so many gives up."""
    return pairs // 2 + 1


def gave_up(series: Series, asked: Asked) -> bool:
    """Return whether a series has had more invalid pairs than are repeated."""
    return len(series.entries) - len(series.valid()) > repeats_max(asked.pairs)
