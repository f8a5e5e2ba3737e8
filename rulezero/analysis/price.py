"""The price list: what each defence costs when nothing is wrong, with intervals over rounds.

One observation is one round: a run of all arms under the same arrivals. A price is the difference, within a round,
between the arm of a defence and the arm without it. All prices of one figure hold together: each interval gets an
equal part of the error rate (Bonferroni).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rulezero.analysis.beside import CONTROL, control_of
from rulezero.analysis.paired import ERROR_RATE, interval
from rulezero.analysis.price_figures import DECIDED
from rulezero.analysis.trips import kind_of
from rulezero.series import Arms, Entry, Series

SCHEMA_VERSION = 1
_TRIPS = "false_trips"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `asked` of a price list holds."""

    defences: Annotated[list[str], Meta(min_length=1)]
    rounds: Annotated[int, Meta(ge=1)]
    seed: int
    target: str
    definition: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One column of the list. `compared`: what a round says is a difference, a share of the control, or the arm's own.

    `unit` is "share" for what is told in per cent.
    """

    name: str
    text: str
    unit: Literal["ms", "share", ""]
    compared: Literal["difference", "ratio", "own"] = "difference"


FIGURES = (
    Figure(name="p50_ms", text="p50 of the good answers", unit="ms"),
    Figure(name="p99_ms", text="p99 of the good answers", unit="ms"),
    Figure(name="cpu_services_ms", text="CPU time of the services per request", unit="ms"),
    Figure(name="cpu_ms", text="CPU time of everything but the load generator per request", unit="ms"),
    Figure(name="calls", text="calls on all links per request", unit="share", compared="ratio"),
    Figure(name="good", text="share of the requests that were good", unit="share"),
    Figure(name=_TRIPS, text="false trips per 1,000 requests", unit="", compared="own"),
    Figure(name="acts", text="acts per 1,000 requests", unit="", compared="own"),
)


def orders(arms: Sequence[str], number: int) -> list[str]:
    """Return the arms in the order of a round: each begins elsewhere, every second one goes backwards.

    So no arm is always early or late, nor always before or after the same one.
    """
    start = round(number * len(arms) * (math.sqrt(5) - 1) / 2) % len(arms)
    turned = [*arms[start:], *arms[:start]]
    return turned[::-1] if number % 2 else turned


def arms_for(defences: Sequence[str]) -> list[str]:
    """Return the arms that the prices of these defences need, the control of the run first."""
    needed = [CONTROL]
    for defence in defences:
        chain = [defence]
        while control_of(chain[0]) != CONTROL:
            chain.insert(0, control_of(chain[0]))
        needed += [arm for arm in chain if arm not in needed]
    return needed


def price_list(series: Series) -> dict[str, Any]:
    """Return the content of price.json."""
    defences: list[str] = series.asked["defences"]
    error_rate = ERROR_RATE / len(defences)
    rounds = [entry.more for entry in series.entries if entry.more]
    rows = [_row(defence, rounds, error_rate) for defence in defences]
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": series.experiment,
        "reproduce": series.reproduce,
        "host": series.host,
        "started_at": series.started_at,
        "seed": series.asked["seed"],
        "rounds_asked": series.asked["rounds"],
        "rounds": len(rounds),
        "error_rate": ERROR_RATE,
        "left_out": [_left_out(entry) for entry in series.entries if not entry.valid],
        "summary": summary(rows, len(rounds)),
        "prices": rows,
    }


def summary(rows: Sequence[Mapping[str, Any]], rounds: int) -> str:
    """Return what the list says, in a sentence or two."""
    if not any(figures for row in rows for figures in row["figures"].values()):
        return "No round can be believed, so there is no price."
    prices = [figure for figure in FIGURES if figure.compared != "own"]
    told = [
        f"{row['defence']} ({' and '.join(of)})"
        for row in rows
        if (of := [figure.text for figure in prices if (row["figures"][figure.name] or {}).get("told")])
    ]
    tripped = [row["defence"] for row in rows if (row["figures"][_TRIPS] or {}).get("mean")]
    trips = f"False trips: {', '.join(tripped)}." if tripped else "None tripped falsely."
    after = f"{rounds} round{'' if rounds == 1 else 's'}"
    if not told:
        return f"After {after} no price can be told from zero. {trips}"
    have = "has" if len(told) == 1 else "have"
    names = ", ".join(told)
    return f"After {after} {len(told)} of {len(rows)} {have} a price that can be told from zero: {names}. {trips}"


def _row(defence: str, rounds: Sequence[Arms], error_rate: float) -> dict[str, Any]:
    control = control_of(defence)
    both = [(arms[defence], arms[control]) for arms in rounds if defence in arms and control in arms]
    mine = [arm for arm, _ in both]
    names = sorted({name for arm in mine for name in arm if name.startswith(DECIDED)})
    return {
        "defence": defence,
        "control": control,
        "rounds": len(both),
        "decisions": kind_of(defence),
        "decided": {
            name.removeprefix(DECIDED): sum(arm.get(name) or 0.0 for arm in mine) / len(mine) for name in names
        },
        "control_figures": {figure.name: _mean([other.get(figure.name) for _, other in both]) for figure in FIGURES},
        "figures": {figure.name: _figure(figure, both, error_rate) for figure in FIGURES},
    }


def _figure(
    figure: Figure, both: Sequence[tuple[Mapping[str, float | None], ...]], error_rate: float
) -> dict[str, Any] | None:
    differences = []
    for arm, control in both:
        value, other = arm.get(figure.name), control.get(figure.name)
        if figure.compared == "own" and value is not None:
            differences.append(value)
        elif value is not None and other is not None and (figure.compared == "difference" or other):
            differences.append((value - other) / (other if figure.compared == "ratio" else 1.0))
    if not differences:
        return None
    found = interval(differences, error_rate=error_rate)
    bounded = math.isfinite(found.low)  # A single round has no interval.
    return {
        "mean": found.mean,
        "low": found.low if bounded else None,
        "high": found.high if bounded else None,
        "rounds": found.pairs,
        "told": bounded and (found.low > 0 or found.high < 0),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _left_out(entry: Entry) -> dict[str, Any]:
    """Return which arms of an invalid round do not count, and why."""
    return {
        "round": entry.key,
        "arms": [arm for arm in entry.order if arm not in entry.more],
        "reasons": entry.reasons,
    }
