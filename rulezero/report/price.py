"""The price list for a terminal, for a record and for the docs: one row for each defence.

What can be told from zero stands out: bold in Markdown and in a terminal, and with a star, so that it needs no colour.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rulezero.report.effects import escaped, markdown_table, signed, with_interval
from rulezero.report.words import MISSING, number

Prices = Mapping[str, Any]

_PER_CENT = 100.0
# Figure, head, scale.
_COLUMNS: Sequence[tuple[str, str, float]] = (
    ("p50_ms", "Added p50, ms", 1.0),
    ("p99_ms", "Added p99, ms", 1.0),
    ("cpu_services_ms", "CPU of the services, ms per request", 1.0),
    ("cpu_ms", "CPU of all but the generator, ms per request", 1.0),
    ("calls", "Extra calls, %", _PER_CENT),
    ("good", "Good answers, points", _PER_CENT),
)
_DECIDED = "False trips per 1,000 requests"
_COMPACT: Sequence[tuple[str, str]] = (("p50_ms", "p50, ms"), ("cpu_ms", "CPU, ms\na request"), ("calls", "calls, %"))
_WIDE, _NARROW = 130, 76
_KEY = (
    "Each price is the difference between a run with the defence and one without it under the same arrivals, its mean "
    "over the rounds and the range it lies in. All ranges of one column hold together, in 95 of 100 lists. Bold with a "
    "star: told from zero. Acts are a defence's work of all days, and no false trips."
)


def table(prices: Prices) -> str:
    """Return the table in Markdown, with how it was measured below it."""
    heads = ["Defence", "Beside", *(head for _, head, _ in _COLUMNS), _DECIDED, "Rounds"]
    rows = [
        [
            f"`{row['defence']}`",
            f"`{row['control']}`",
            *(_bold(row["figures"][name], scale) for name, _, scale in _COLUMNS),
            escaped(decided(row)),
            str(row["rounds"]),
        ]
        for row in prices["prices"]
    ]
    return f"{markdown_table(heads, rows)}\n\n{escaped(measured_by(prices))}\n"


def measured_by(prices: Prices) -> str:
    """Return when, where and how it was measured."""
    host = prices["host"]
    return (
        f"Measured {prices['started_at']} on {host.get('cores', MISSING)} cores, {host.get('platform', MISSING)}, "
        f"Python {host.get('python', MISSING)}: {prices['rounds']} rounds from seed {prices['seed']}."
    )


def report(prices: Prices) -> str:
    """Return report.md."""
    left_out = _left_out(prices)
    blocks = [
        "## What each defence costs when nothing is wrong",
        f"**{escaped(prices['summary'])}**",
        table(prices).rstrip(),
        _KEY,
        _baseline(prices),
        "### Left out, because their own checks failed" if left_out else "",
        left_out,
        "### How to reproduce it",
        f"    {prices['reproduce']}",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def decided(row: Mapping[str, Any]) -> str:
    """Return what a defence decided per 1,000 requests: false trips or acts, and by what name it tells them."""
    trips, acts = row["figures"]["false_trips"], row["figures"]["acts"]
    if trips is None or acts is None:
        return MISSING
    named = ", ".join(f"{decision} {number(count)}" for decision, count in row["decided"].items())
    if row["decisions"] == "acts":
        also = f", false trips {number(trips['mean'])}" if trips["mean"] else ""
        told = f"acts {number(acts['mean'])}{also}"
    else:
        told = number(trips["mean"])
    return f"{told} ({named})" if named else told


def print_prices(prices: Prices, console: Console, *, folder: str) -> None:
    """Print the list; `folder` is where the series is."""
    console.print()
    console.print("what each defence costs when nothing is wrong", style="bold")
    if console.width >= _WIDE:
        console.print(_terminal_table(prices))
    elif console.width >= _NARROW:
        console.print(_compact_table(prices))
    else:
        for row in prices["prices"]:
            console.print(_line(row), highlight=False)
    console.print(prices["summary"], markup=False, highlight=False)
    for one in prices["left_out"]:
        told = ", ".join(one["arms"]) or "no arm"
        console.print(f"left out of {one['round']}: {told} ({one['reasons'][0]})", markup=False, highlight=False)
    console.print("* told from zero; all ranges of a column hold together, in 95 of 100 lists", highlight=False)
    console.print(f"series: {folder}", markup=False, highlight=False, soft_wrap=True)


def _terminal_table(prices: Prices) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("defence", style="bold", no_wrap=True)
    grid.add_column("beside", no_wrap=True)
    for name, head, _ in _COLUMNS:
        if name not in ("cpu_services_ms", "good"):
            grid.add_column(head.lower(), justify="right")
    grid.add_column(_DECIDED.lower())
    for row in prices["prices"]:
        cells = [
            _starred(row["figures"][name], scale)
            for name, _, scale in _COLUMNS
            if name not in ("cpu_services_ms", "good")
        ]
        grid.add_row(row["defence"], row["control"], *cells, decided(row))
    return grid


def _compact_table(prices: Prices) -> Table:
    """Return the figures that decide, for a terminal of the usual width."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("defence", style="bold", no_wrap=True)
    grid.add_column("beside", no_wrap=True)
    scales = {name: scale for name, _, scale in _COLUMNS}
    for _, head in _COMPACT:
        grid.add_column(head, justify="right", no_wrap=True)
    grid.add_column("per 1,000\nrequests")
    for row in prices["prices"]:
        cells = [_plus_minus(row["figures"][name], scales[name]) for name, _ in _COMPACT]
        grid.add_row(row["defence"], row["control"], *cells, decided(row).partition(" (")[0])
    return grid


def _plus_minus(effect: Mapping[str, Any] | None, scale: float) -> Text:
    """Return a price and half of the range around it, which is symmetric."""
    if effect is None or effect["low"] is None:
        return _starred(effect, scale)
    half = number((effect["high"] - effect["low"]) / 2 * scale)
    text = f"{signed(effect['mean'], scale)} \u00b1{half}"
    return Text(f"{text} *", style="bold") if effect["told"] else Text(text)


def _line(row: Mapping[str, Any]) -> Text:
    """Say in a line what does not fit as a table."""
    parts = [f"{head.lower()} {_starred(row['figures'][name], scale)}" for name, head, scale in _COLUMNS]
    return Text.assemble((row["defence"], "bold"), f" (beside {row['control']}): {'; '.join(parts)}; {decided(row)}")


def _starred(effect: Mapping[str, Any] | None, scale: float) -> Text:
    text = with_interval(effect, scale)
    return Text(f"{text} *", style="bold") if effect and effect["told"] else Text(text)


def _bold(effect: Mapping[str, Any] | None, scale: float) -> str:
    text = escaped(with_interval(effect, scale))
    return f"**{text}** \\*" if effect and effect["told"] else text


def _left_out(prices: Prices) -> str:
    lines = []
    for one in prices["left_out"]:
        lines.append(f"- {escaped(one['round'])}: {escaped(', '.join(one['arms']) or 'no arm')}")
        lines += [f"  - {escaped(reason)}" for reason in one["reasons"]]
    return "\n".join(lines)


def _baseline(prices: Prices) -> str:
    """Return what the control itself took, so that a price can be held against it."""
    by_control = {row["control"]: row["control_figures"] for row in prices["prices"] if row["rounds"]}
    told = [
        f"With {control}: p50 {number(found['p50_ms'])} ms, p99 {number(found['p99_ms'])} ms, "
        f"{number(found['cpu_services_ms'])} ms of CPU in the services and {number(found['calls'])} calls per request."
        for control, found in by_control.items()
    ]
    return escaped(" ".join(told))
