"""Short words for panels, so that a board reads as a list; and the ribbon that every board has."""

from collections.abc import Mapping
from typing import Any

from dashboards.model import BAD, DEGRADED, GOOD, QUIET, Kind, Link, Panel, Query
from dashboards.queries import users

TEXT_HEIGHT = 3
RIBBON_HEIGHT = 6
OFF_ON = {0: ("off", "#D8D8D8"), 1: ("on", GOOD)}
TO_SERVICE = Link(uid="bench-service", title="This service", variables={"service": "job"})
# As Google's SRE workbook: below 1 the budget lasts, from 6 and 14.4 on somebody is paged.
BURN_STEPS = ((None, GOOD), (1.0, DEGRADED), (6.0, "#FF780A"), (14.4, BAD))


def lines(title: str, description: str, unit: str, *queries: Query, **options: Any) -> Panel:
    """Return a chart of lines over time."""
    return _panel("lines", title, description, unit, queries, options)


def stack(title: str, description: str, unit: str, *queries: Query, **options: Any) -> Panel:
    """Return a chart of areas over time, one upon the other; limits and predictions are lines."""
    return _panel("stack", title, description, unit, queries, options)


def stat(title: str, description: str, unit: str, *queries: Query, **options: Any) -> Panel:
    """Return numbers at the end of the range, in the colours of their steps."""
    return _panel("stat", title, description, unit, queries, {"width": 4, "height": 4, **options})


def bars(title: str, description: str, unit: str, *queries: Query, **options: Any) -> Panel:
    """Return one bar per series over the whole range."""
    return _panel("bars", title, description, unit, queries, options)


def timeline(
    title: str, description: str, states: Mapping[int, tuple[str, str]], *queries: Query, **options: Any
) -> Panel:
    """Return states over time, a row per series."""
    return _panel("timeline", title, description, "none", queries, {"states": states, **options})


def heat(title: str, description: str, unit: str, query: Query, **options: Any) -> Panel:
    """Return a histogram over time; the unit is the buckets'."""
    return _panel("heat", title, description, unit, (query,), options)


def table(title: str, description: str, unit: str, *queries: Query, **options: Any) -> Panel:
    """Return a row per value of `row_labels`, a column per query."""
    return _panel("table", title, description, unit, queries, options)


def graph(title: str, description: str, unit: str, query: Query, **options: Any) -> Panel:
    """Return nodes and edges; the query's series have the labels id, source and target."""
    return _panel("graph", title, description, unit, (query,), options)


def scatter(title: str, description: str, unit: str, across: Query, up: Query, **options: Any) -> Panel:
    """Return one query against another, a point per instant."""
    return _panel("scatter", title, description, unit, (across, up), options)


def traces(title: str, description: str, query: str, **options: Any) -> Panel:
    """Return what Tempo finds by TraceQL."""
    return _panel("traces", title, description, "none", (Query(expr=query),), options)


def ribbon() -> tuple[Panel, ...]:
    """Return what is at the top of every board: what is promised, offered, broken and defended."""
    return (
        stat(
            "Burn rate",
            "How many times faster than allowed each promise's error budget is spent, over the last minute. "
            "1 is just sustainable; from 14.4 on somebody would be paged.",
            "none",
            Query(expr=users.BURN_RATE_NOW, legend="{{slo}}"),
            steps=BURN_STEPS, width=5, height=RIBBON_HEIGHT,
        ),
        lines(
            "Offered and good",
            "Requests a second that users wanted, and those that were answered correctly and in time.",
            "reqps",
            Query(expr=users.OFFERED, legend="offered", role="offered"),
            Query(expr=users.GOOD, legend="good", role="good"),
            width=7, height=RIBBON_HEIGHT,
        ),
        timeline(
            "Active faults",
            "Every fault that an experiment injects or somebody adds by hand.",
            {0: ("off", "#D8D8D8"), 1: ("on", BAD)},
            Query(expr=users.FAULTS, legend="{{type}} on {{proxy}}"),
            width=6, height=RIBBON_HEIGHT, quiet="no fault was injected",
        ),
        timeline(
            "Defences on",
            "The defences that were on at any time of this range, in any service.",
            OFF_ON,
            Query(expr=users.DEFENCES_ON, legend="{{defence}}"),
            width=6, height=RIBBON_HEIGHT, quiet="no defence was on",
        ),
    )  # fmt: skip


def limit(expr: str, legend: str) -> Query:
    """Return a query drawn as a limit: grey and dashed."""
    return Query(expr=expr, legend=legend, role="limit")


def predicted(expr: str, legend: str) -> Query:
    """Return a query drawn as a prediction: grey and dashed."""
    return Query(expr=expr, legend=legend, role="prediction")


def above(value: float) -> tuple[tuple[float | None, str], ...]:
    """Return steps that draw one line, at the value from which on something is wrong."""
    return ((None, QUIET), (value, BAD))


def _panel(
    kind: Kind, title: str, description: str, unit: str, queries: tuple[Query, ...], options: Mapping[str, Any]
) -> Panel:
    return Panel(kind=kind, title=title, description=description, unit=unit, queries=queries, **options)
