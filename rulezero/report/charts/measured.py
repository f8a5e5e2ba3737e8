"""Any one measure over time, of the control against the best arm: the chart where goodput does not show the verdict."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from rulezero.report.charts.frame import Figure, ScaleKind, TimeAxis, background, figure
from rulezero.report.charts.marks import lines
from rulezero.report.charts.style import CONTROL, DEFENDED, Line


def measured(
    values: pl.DataFrame,
    arms: Sequence[str],
    control: str,
    axis: TimeAxis,
    *,
    what: str,
    title: str,
    summary: str,
    scale: ScaleKind = "linear",
) -> Figure | None:
    """Return the chart of arm, t_s and value; `arms` are the control and the best. None where no arm has a value."""
    known = values.drop_nulls("value")
    present = [arm for arm in arms if not known.filter(pl.col("arm") == arm).is_empty()]
    if not present:
        return None
    joined = values.select("t_s").unique().sort("t_s")
    series = []
    for index, arm in enumerate(present):
        mine = values.filter(pl.col("arm") == arm).select("t_s", pl.col("value").alias(f"value{index}"))
        joined = joined.join(mine, on="t_s", how="left")
        role, stroke = ("control", CONTROL) if arm == control else ("defended", DEFENDED)
        series.append(Line(column=f"value{index}", label=f"{what} of {arm} ({role})", stroke=stroke))
    axis = replace(axis, titled=True)
    layers = [*background(axis), *lines(joined, series, axis, scale=scale, stepped=True)]
    return figure("comparison", title, summary, series, layers, height=230)
