"""What is told of a series of pairs, apart from how: a verdict in words, tables, charts. And the same as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rulezero.report.html import environment, library
from rulezero.report.sections import Section
from rulezero.series import Entry

Tone = Literal["supported", "refuted", "unknown", "invalid"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Cells as text; the first of a row names it. `details` says more of such a name where there is room.

    `numbers`: whether the cells between the first and the last are.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    details: Mapping[str, str] = field(default_factory=dict)
    numbers: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A series in words: `lines` begin with the verdict, `tone` is how a page frames it, `notes` say how to read it."""

    verb: str
    name: str
    question: str
    lines: Sequence[str]
    tone: Tone
    tables: Sequence[Table]
    notes: Sequence[str]
    entries: Sequence[Entry]
    host: Mapping[str, Any]
    started_at: str
    reproduce: str


def machine(told: Told) -> str:
    """Return where and when it was measured."""
    host = ", ".join(f"{key} {value}" for key, value in told.host.items())
    return f"Started {told.started_at}; {host}."


def invalid_line(entries: Sequence[Entry]) -> str:
    """Return why the last invalid pair is."""
    reasons = [entry.reasons for entry in entries if not entry.valid]
    return f"The last: {_first_line(reasons[-1])}." if reasons else ""


def runs_table(told: Told) -> Table:
    """Return the runs of the series, one row each, the invalid ones too."""
    rows = [
        (
            entry.record,
            entry.key.replace("-", " "),
            str(entry.seed),
            ", ".join(entry.order),
            "counts"
            if entry.valid
            else f"invalid: {entry.reasons[0].splitlines()[0] if entry.reasons else 'no reason'}",
        )
        for entry in told.entries
    ]
    return Table(title="The runs", heads=("Record", "Pair", "Seed", "Order", ""), rows=rows, numbers=False)


def render_page(told: Told, sections: Sequence[Section] = ()) -> str:
    """Return the page; like that of a record it may load nothing."""
    figures = [cell.figure for section in sections for cell in section.cells if cell.figure is not None]
    return (
        environment()
        .get_template("compared.html.jinja")
        .render(
            told=told,
            runs=runs_table(told),
            machine=machine(told),
            sections=sections,
            specs={figure.key: figure.spec for figure in figures},
            library=library(),
        )
    )


def _first_line(reasons: Sequence[str]) -> str:
    """Return the first reason, of one that quotes a log its first line."""
    return next((line for reason in reasons for line in reason.splitlines()), "no reason was recorded")
