"""The two kinds of chart a record needs: lines over time, and stacked bars over time.

Fields are called s0, s1, ... in the order of the series, so that no name from the record is ever a field name.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from rulezero.report.charts.frame import ScaleKind, TimeAxis, inline, time_x, value_y
from rulezero.report.charts.style import Bar, Line, Stroke

Extent = tuple[float, float]

MARKER_EVERY = 4
_DIGITS = 3


def lines(
    frame: pl.DataFrame,
    series: Sequence[Line],
    axis: TimeAxis,
    *,
    scale: ScaleKind = "linear",
    extent: Extent | None = None,
    stepped: bool = False,
) -> list[Any]:
    """Return the layers that draw one line per series, a slice's value in its middle; a null is a gap.

    `extent` is the least and the greatest value of the scale, for charts that are compared; else that of the frame.
    `stepped` holds a value for the width of its slice: a slope between wide ones would begin before what caused it.
    """
    fields = _fields(series)
    strokes = [each.stroke for each in series]
    data = _wide(frame, series, axis)
    smallest, largest = extent or extent_of(frame, [each.column for each in series])
    placed = alt.Chart(data).transform_calculate(
        middle="(datum.t_s + datum.end) / 2", slice=f"floor(datum.t_s / {axis.bucket_s})"
    )
    if stepped:
        placed = placed.transform_calculate(ends="[datum.t_s, datum.end]").transform_flatten(["ends"], as_=["middle"])
    folded = placed.transform_fold(fields, as_=["key", "value"]).encode(
        x=time_x(axis, "middle"), y=value_y("value", largest, smallest, scale=scale)
    )
    drawn = folded.mark_line(clip=True).encode(
        stroke=alt.Stroke("key:O", scale=_scale(fields, [stroke.colour for stroke in strokes]), legend=None),
        strokeDash=alt.StrokeDash("key:O", scale=_scale(fields, [stroke.dash for stroke in strokes]), legend=None),
        strokeWidth=alt.StrokeWidth("key:O", scale=_scale(fields, [stroke.width for stroke in strokes]), legend=None),
    )
    return [drawn, *_markers(folded, strokes), _reader(data, series, axis)]


def stacked(frame: pl.DataFrame, series: Sequence[Bar], axis: TimeAxis, *, highest: float | None = None) -> list[Any]:
    """Return the layers that pile one bar segment per series on each slice, each with its own hatching.

    `highest` is the greatest value of the scale, for charts that are compared; else the highest pile.
    """
    fields = _fields(series)
    pieces, base = [], pl.lit(0.0)
    for field, each in zip(fields, series, strict=True):
        top = base + pl.col(each.column)
        low, high = base.round(_DIGITS).alias("low"), top.round(_DIGITS).alias("high")
        end = (pl.col("t_s") + axis.bucket_s).alias("end")
        pieces.append(frame.filter(pl.col(each.column) > 0).select("t_s", end, low, high, pl.lit(field).alias("key")))
        base = top
    total = highest or frame.select(base.max()).item() or 0.0
    bars = (
        alt.Chart(inline(pl.concat(pieces).iter_rows(named=True)))
        .mark_rect(stroke="var(--page)", strokeWidth=0.5)
        .encode(
            x=time_x(axis),
            x2="end:Q",
            y=value_y("low", total),
            y2="high:Q",
            fill=alt.Fill("key:O", scale=_scale(fields, [each.fill for each in series]), legend=None),
        )
    )
    return [bars, _reader(_wide(frame, series, axis), series, axis)]


def _fields(series: Sequence[Line | Bar]) -> list[str | alt.FieldName]:
    return [f"s{index}" for index in range(len(series))]


def _wide(frame: pl.DataFrame, series: Sequence[Line | Bar], axis: TimeAxis) -> alt.InlineData:
    named = [pl.col(each.column).round(_DIGITS).alias(f"s{index}") for index, each in enumerate(series)]
    return inline(frame.select("t_s", (pl.col("t_s") + axis.bucket_s).alias("end"), *named).iter_rows(named=True))


def extent_of(frame: pl.DataFrame, columns: Sequence[str]) -> Extent:
    """Return the least and the greatest value of these columns, 0 where there is none."""
    ends = [value for column in columns for value in (frame.get_column(column).min(), frame.get_column(column).max())]
    numbers = [float(value) for value in ends if isinstance(value, int | float)] or [0.0]
    return min(numbers), max(numbers)


def _scale(fields: Sequence[str | alt.FieldName], values: Sequence[Any]) -> alt.Scale:
    chosen = [list(value) if isinstance(value, tuple) else value for value in values]
    # Without its type, Vega-Lite makes a scale of widths that interpolates between the first and the last.
    return alt.Scale(type="ordinal", domain=list(fields), range=chosen)


def _markers(folded: Any, strokes: Sequence[Stroke]) -> list[Any]:
    """Return a symbol on every fourth point of each line, shifted by line so that equal values do not hide any."""
    return [
        folded.transform_filter(
            f"datum.key == 's{index}' && datum.value != null && datum.slice % {MARKER_EVERY} == {index % MARKER_EVERY}"
        ).mark_point(shape=stroke.marker, stroke=stroke.colour, fill="var(--page)", size=28, opacity=1, clip=True)
        for index, stroke in enumerate(strokes)
        if stroke.marker is not None
    ]


def _reader(data: alt.InlineData, series: Sequence[Line | Bar], axis: TimeAxis) -> Any:
    """Return invisible bars, one per slice, that tell all its values to the pointer."""
    told = [alt.Tooltip(f"s{index}:Q", title=each.label, format=",.4~r") for index, each in enumerate(series)]
    return (
        alt.Chart(data)
        .mark_rect(fill="transparent")
        .encode(x=time_x(axis), x2="end:Q", tooltip=[alt.Tooltip("t_s:Q", title="second", format=","), *told])
    )
