"""A queue over time: how long it was and how old its oldest message, each beside what the law of the backlog has."""

from collections.abc import Iterable, Mapping

import polars as pl

from rulezero.analysis.backlog import Backlog
from rulezero.analysis.queues import by_slice
from rulezero.report.charts.frame import Figure, TimeAxis, background, figure
from rulezero.report.charts.marks import Extent, lines
from rulezero.report.charts.style import FAINT, SERIES, Line, Stroke
from rulezero.report.words import number

LAW = Stroke(colour=FAINT, dash=(6, 4), width=1.6)
MEASURES: Mapping[str, str] = {"depth": "messages", "oldest_s": "age of the oldest message, s"}


def beside_law(told: pl.DataFrame, law: Iterable[Backlog], axis: TimeAxis) -> pl.DataFrame:
    """Return t_s, and for each of `MEASURES` what was told and, as NAME_law, what the law has; by slice, the last."""
    columns = ["t_s", *(f"{name}_law" for name in MEASURES)]
    expected = pl.DataFrame(list(law), schema=dict.fromkeys(columns, pl.Float64), orient="row")
    # What the law has for an instant is the end of the step before it.
    slices = ((pl.col("t_s") / axis.bucket_s).ceil() - 1) * axis.bucket_s
    lawful = expected.group_by(slices.alias("t_s")).agg(pl.all().exclude("t_s").last())
    sliced = by_slice(told, axis.bucket_s).select("t_s", *MEASURES)
    return sliced.join(lawful, on="t_s", how="full", coalesce=True).sort("t_s")


def beside_lines(measure: str) -> list[Line]:
    """Return the two lines of a measure."""
    return [
        Line(column=measure, label="told by the queue", stroke=SERIES[0]),
        Line(column=f"{measure}_law", label="rate x t - capacity x t", stroke=LAW),
    ]


def drawn(beside: pl.DataFrame, measure: str, what: str, key: str, axis: TimeAxis, extent: Extent) -> Figure | None:
    """Return one measure of a queue, or nothing where nobody told it; `what` names queue and arm."""
    known = beside.drop_nulls(measure)
    if known.is_empty():
        return None
    highest = known.sort(measure, "t_s", descending=[True, False]).row(0, named=True)
    summary = f"At most {number(highest[measure])}, at {number(highest['t_s'])} s."
    layers = [*background(axis), *lines(beside, beside_lines(measure), axis, extent=extent)]
    return figure(key, f"{MEASURES[measure].capitalize()}, {what}", summary, beside_lines(measure), layers)
