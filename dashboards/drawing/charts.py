"""Panels with a time axis, and the scatter: Vega-Lite charts drawn to SVG."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import altair as alt
import orjson
import vl_convert
from altair.utils.schemapi import debug_mode

from dashboards.drawing.style import CARD, FAINT, FONT, GRID, INK, axis_labels
from dashboards.model import BAD, LINEAR_BELOW, Panel
from dashboards.prometheus_api import Series, Span

_CLOCK = "floor(datum.value / 60) + ':' + pad(datum.value % 60, 2, '0', 'left')"
_HEAT_COLUMNS = 110
_NAMED = (0, 1, 10, 100, 1000)  # On a logarithmic axis.
_DASHES = [8, 5]
_ROOM = 1.08


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """One series as it is drawn."""

    series: Series
    name: str
    colour: str
    dashed: bool = False
    stacked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What lies behind every chart: faults as (start, end), and the instants at which an arm began."""

    faults: tuple[tuple[float, float], ...] = ()
    arms: tuple[float, ...] = ()


def over_time(panel: Panel, drawn: Sequence[Drawn], span: Span, marks: Marks, size: tuple[float, float]) -> str:
    """Return lines, and areas one upon the other where the panel stacks, as SVG of that size."""
    areas = [one for one in drawn if one.stacked]
    plain = [one for one in drawn if not one.stacked]
    highest = max([value for one in plain for _, value in one.series.points] + list(_tops(areas).values()), default=0.0)
    y = _value_axis(panel, highest)
    layers: list[Any] = [*_background(marks, span), *_limits(panel, highest, y)]
    if areas:
        layers.append(_areas(areas, span, y))
    if plain:
        layers.append(_lines(plain, span, y))
    return _svg(alt.layer(*layers), size)


def states(panel: Panel, drawn: Sequence[Drawn], span: Span, size: tuple[float, float]) -> str:
    """Return a row per series, a block per stretch of one value."""
    rows = [
        {"name": one.name, "start": start, "end": end, "state": panel.states.get(int(value), ("?", FAINT))[0]}
        for one in drawn
        for start, end, value in stretches(one.series, span)
    ]
    names = [one.name for one in drawn]
    known = list(panel.states.values())
    chart = (
        alt.Chart(_inline(rows))
        .mark_rect(clip=True)
        .encode(
            x=_time("start", span),
            x2="end:Q",
            y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=170, ticks=False, domain=False),
                    scale=alt.Scale(paddingInner=0.25)),
            fill=alt.Fill("state:N", legend=None,
                          scale=alt.Scale(domain=[text for text, _ in known], range=[colour for _, colour in known])),
        )
    )  # fmt: skip
    return _svg(chart, size)


def spread(panel: Panel, series: Sequence[Series], span: Span, marks: Marks, size: tuple[float, float]) -> str:
    """Return a histogram over time from cumulative buckets: a darker cell is more of them."""
    width_s = max(span.step_s, math.ceil(span.length_s / _HEAT_COLUMNS))
    buckets = sorted(series, key=lambda one: float(one.labels["le"].replace("+Inf", "inf")))
    cells: dict[tuple[int, str], float] = {}
    below: dict[float, float] = {}
    for bucket in buckets:
        for at_s, value in bucket.points:
            key = (int(at_s // width_s), bucket.labels["le"])
            cells[key] = cells.get(key, 0.0) + max(0.0, value - below.get(at_s, 0.0))
        below = dict(bucket.points)
    rows = [
        {"start": slot * width_s, "end": (slot + 1) * width_s, "le": bound, "count": count}
        for (slot, bound), count in cells.items()
        if count > 0
    ]
    order = [bucket.labels["le"] for bucket in reversed(buckets)]
    chart = (
        alt.Chart(_inline(rows))
        .mark_rect(clip=True)
        .encode(
            x=_time("start", span),
            x2="end:Q",
            y=alt.Y("le:N", sort=order, title=f"up to, {panel.unit}", axis=alt.Axis(ticks=False, domain=False)),
            fill=alt.Fill("count:Q", legend=None, scale=alt.Scale(scheme="oranges", type="sqrt")),
        )
    )
    return _svg(alt.layer(chart, *_background(marks, span)[1:]), size)


def against(panel: Panel, across: Series, up: Series, names: tuple[str, str], size: tuple[float, float]) -> str:
    """Return a point for each instant at which both have a value."""
    other = dict(up.points)
    rows = [{"x": value, "y": other[at_s]} for at_s, value in across.points if at_s in other]
    top = max((value for row in rows for value in row.values()), default=1.0) * _ROOM
    scale = alt.Scale(domain=[0, top], nice=False)
    shown = alt.Axis(labelExpr=axis_labels(panel.unit), tickCount=6, gridColor=GRID, domain=False)
    points = (
        alt.Chart(_inline(rows))
        .mark_circle(size=22, opacity=0.6)
        .encode(x=alt.X("x:Q", scale=scale, title=names[0], axis=shown), y=alt.Y("y:Q", scale=scale, title=names[1]))
    )
    ends = _inline([{"x": 0.0, "y": 0.0}, {"x": top, "y": top}])
    equal = alt.Chart(ends).mark_line(color=FAINT, strokeDash=_DASHES, strokeWidth=1).encode(x="x:Q", y="y:Q")
    return _svg(alt.layer(equal, points), size)


def _lines(drawn: Sequence[Drawn], span: Span, y: alt.Y) -> Any:
    rows = [
        {"t": at_s, "v": value, "k": str(index), "part": f"{index}.{part}"}
        for index, one in enumerate(drawn)
        for part, points in enumerate(_parts(one.series, span))
        for at_s, value in points
    ]
    dashes = _scale(drawn, [_DASHES if one.dashed else [1, 0] for one in drawn])
    return (
        alt.Chart(_inline(rows))
        .mark_line(clip=True, strokeWidth=1.6)
        .encode(
            x=_time("t", span),
            y=y,
            detail="part:N",
            stroke=alt.Stroke("k:N", legend=None, scale=_colours(drawn)),
            strokeDash=alt.StrokeDash("k:N", legend=None, scale=dashes),
        )
    )


def _areas(drawn: Sequence[Drawn], span: Span, y: alt.Y) -> Any:
    instants = sorted(_tops(drawn))
    parts = _part_numbers(instants, span)
    base = dict.fromkeys(instants, 0.0)
    rows = []
    for index, one in enumerate(drawn):
        values = dict(one.series.points)
        for at_s, part in zip(instants, parts, strict=True):
            top = base[at_s] + values.get(at_s, 0.0)
            rows.append({"t": at_s, "v": top, "low": base[at_s], "k": str(index), "part": f"{index}.{part}"})
            base[at_s] = top
    return (
        alt.Chart(_inline(rows))
        .mark_area(clip=True, opacity=0.75)
        .encode(
            x=_time("t", span),
            y=y,
            y2="low:Q",
            detail="part:N",
            fill=alt.Fill("k:N", legend=None, scale=_colours(drawn)),
        )
    )


def _colours(drawn: Sequence[Drawn]) -> alt.Scale:
    return _scale(drawn, [one.colour for one in drawn])


def _scale(drawn: Sequence[Drawn], values: Sequence[Any]) -> alt.Scale:
    """Return what gives each series, by its position, its value."""
    return alt.Scale(domain=[str(index) for index in range(len(drawn))], range=values)


def _tops(drawn: Sequence[Drawn]) -> dict[float, float]:
    tops: dict[float, float] = {}
    for one in drawn:
        for at_s, value in one.series.points:
            tops[at_s] = tops.get(at_s, 0.0) + value
    return tops


def _parts(series: Series, span: Span) -> list[list[tuple[float, float]]]:
    """Return the stretches without a gap: a line over a gap would claim to know what was there."""
    numbers = _part_numbers([at_s for at_s, _ in series.points], span)
    parts: list[list[tuple[float, float]]] = [[] for _ in range(numbers[-1] + 1)]
    for number, point in zip(numbers, series.points, strict=True):
        parts[number].append(point)
    return parts


def _part_numbers(instants: Sequence[float], span: Span) -> list[int]:
    gaps = [later - earlier > 1.5 * span.step_s for earlier, later in pairwise(instants)]
    return [0, *accumulate(int(gap) for gap in gaps)]


def stretches(series: Series, span: Span) -> list[tuple[float, float, float]]:
    """Return the stretches of one value as (start, end, value)."""
    found: list[tuple[float, float, float]] = []
    for at_s, value in series.points:
        if found and found[-1][2] == value and at_s <= found[-1][1] + span.step_s / 2:
            found[-1] = (found[-1][0], at_s + span.step_s, value)
        else:
            found.append((at_s, at_s + span.step_s, value))
    return found


def _background(marks: Marks, span: Span) -> list[Any]:
    faults = _inline([{"start": start, "end": end} for start, end in marks.faults])
    arms = _inline([{"start": start} for start in marks.arms])
    return [
        alt.Chart(faults).mark_rect(fill=BAD, opacity=0.1, clip=True).encode(x=_time("start", span), x2="end:Q"),
        alt.Chart(arms).mark_rule(color="#FF780A", strokeDash=[3, 3], clip=True).encode(x=_time("start", span)),
    ]


def _limits(panel: Panel, highest: float, y: alt.Y) -> list[Any]:
    """Return the panel's steps as lines, where they lie within reach of the data."""
    reach = max(highest, panel.highest or 0.0) * 1.5
    rows = [{"v": value, "colour": colour} for value, colour in panel.steps if value is not None and value <= reach]
    if not rows:
        return []
    colour = alt.Stroke("colour:N", scale=None, legend=None)
    return [alt.Chart(_inline(rows)).mark_rule(strokeDash=[5, 4], strokeWidth=1).encode(y=y, stroke=colour)]


def _value_axis(panel: Panel, highest: float) -> alt.Y:
    named = {"values": _NAMED} if panel.log_base else {"tickCount": 5}
    shown = alt.Axis(
        labelExpr=axis_labels(panel.unit), title=None, gridColor=GRID, domain=False, ticks=False, minExtent=42, **named
    )
    lines = [value for value, _ in panel.steps if value is not None and value <= highest * 1.5]
    top = panel.highest or max([highest, *lines], default=0.0) * _ROOM or 1.0
    if panel.log_base:
        scale = alt.Scale(type="symlog", constant=LINEAR_BELOW, domain=[0, max(top, 1.0)], clamp=True)
        return alt.Y("v:Q", scale=scale, axis=shown)
    return alt.Y("v:Q", scale=alt.Scale(domain=[0, top], nice=False, clamp=True), axis=shown)


def _time(field: str, span: Span) -> alt.X:
    shown = alt.Axis(
        labelExpr=_CLOCK, values=_ticks(span.length_s), title=None, grid=False, domainColor=GRID, tickColor=GRID
    )
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, span.length_s], nice=False), axis=shown)


def _ticks(length_s: float) -> list[float]:
    step = next((step for step in (5, 10, 20, 30, 60, 120, 300, 600, 1800) if length_s / step <= 9), 3600)
    return [float(at_s) for at_s in range(0, int(length_s) + 1, step)]


def _inline(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    with debug_mode(arg=False):  # Altair would check every row.
        return alt.InlineData(values=tuple(rows))


def _svg(chart: Any, size: tuple[float, float]) -> str:
    spec = chart.properties(width="container", height="container").to_dict(validate=False)
    spec["datasets"] = {name: list(rows) for name, rows in spec.get("datasets", {}).items()}
    spec |= {
        "width": size[0],
        "height": size[1],
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 3,
        "background": CARD,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {"labelColor": INK, "titleColor": FAINT, "labelFontSize": 11, "titleFontSize": 11,
                     "titleFontWeight": "normal", "labelFont": FONT, "titleFont": FONT},
        },
    }  # fmt: skip
    svg = vl_convert.vegalite_to_svg(orjson.dumps(spec, option=orjson.OPT_NON_STR_KEYS).decode())
    return re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg)
