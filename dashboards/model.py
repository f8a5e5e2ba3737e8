"""What a board is made of, as plain data: one description for Grafana, for the pictures and for the tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

GOOD, DEGRADED, BAD, OFFERED, QUIET = "#56A64B", "#E0B400", "#E02F44", "#3274D9", "#8E8E8E"
COLUMNS = 24
# Kinds of panels that show the end of the range: they are asked once, and not at every step.
INSTANT = ("table", "graph", "bars", "stat")

# A logarithmic axis has no place for 0, where a burn rate is while all is well: down here it is linear.
LINEAR_BELOW = 0.1

Kind = Literal["lines", "stack", "stat", "bars", "timeline", "heat", "table", "graph", "scatter", "traces"]
# What a series stands for, where that has a colour of its own: a prediction or a limit is grey and dashed.
Role = Literal["measured", "offered", "good", "bad", "limit", "prediction"]

# Outcomes, answers and decisions mean the same on every board.
MEANINGS: Mapping[str, str] = {
    "ok": GOOD, "hit": GOOD, "applied": GOOD, "accepted": GOOD, "admitted": GOOD,
    "rejected": DEGRADED, "not_sent": "#B877D9", "stale": DEGRADED, "refused": DEGRADED, "cancelled": QUIET,
    "error": BAD, "timeout": "#FF780A", "miss": BAD, "failed": BAD,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """One query of a panel; `legend` names its series with {{label}} for labels, in a table its column."""

    expr: str
    legend: str = ""
    role: Role = "measured"
    exemplar: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A way to another board; `variables` maps its variables to labels of the series that was clicked."""

    uid: str
    title: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One panel.

    Args:
        unit: As Grafana names it.
        width: In columns, of which there are 24.
        steps: (value, colour) from which on a colour holds, first for the least value; lines in a chart of lines.
        states: What the values of a timeline are called, and their colours.
        log_base: Of the value axis above LINEAR_BELOW; None is linear.
        highest: End of the value axis.
        row_labels: What tells the rows of a table apart.
        quiet: Why this panel may be empty although everything works; empty when it may not be.

    """

    kind: Kind
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 8
    height: int = 8
    steps: tuple[tuple[float | None, str], ...] = ()
    states: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    log_base: int | None = None
    highest: float | None = None
    row_labels: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    quiet: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """A choice at the top of a board: the values of a label, or fixed ones.

    `shown` is what a picture of the board shows; `all_values` offers to choose all of them at once.
    """

    name: str
    label: str
    shown: str
    metric: str = ""
    of_label: str = ""
    options: tuple[str, ...] = ()
    all_values: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """One board: its question, two lines on where to look, and panels from the general to the special."""

    name: str
    title: str
    question: str
    look: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()

    @property
    def uid(self) -> str:
        """Return what Grafana and links know the board by."""
        return f"bench-{self.name}"


def series_queries(board: Board, panels: tuple[Panel, ...]) -> Iterator[tuple[Board, Panel, Query]]:
    """Yield the queries that Prometheus answers."""
    for panel in panels:
        if panel.kind != "traces":
            yield from ((board, panel, query) for query in panel.queries)
