"""Differences of pairs: each pair as it came, and every measure with its interval on a scale of its own."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from rulezero.analysis.compared import Effect
from rulezero.report.charts.frame import Figure, figure, inline
from rulezero.report.charts.style import GRID, INK, Bar, Line, Stroke

_PAIR = Stroke(colour="var(--series-1)", width=0, marker="circle")
_MEAN = Stroke(colour="var(--series-2)", width=4)
_STRIP_HEIGHT = 58
_HEIGHT = 190
_DIGITS = 6
_ROOM = 0.06

LEGEND: Sequence[Line | Bar] = (
    Line(column="difference", label="one pair", stroke=_PAIR),
    Line(column="mean", label="mean and its interval", stroke=_MEAN),
    Bar(column="floor", label="too small to be called", fill=GRID),
)


def by_pair(effect: Effect, title: str, summary: str, key: str) -> Figure:
    """Return the difference of each pair in the order they ran, over the interval of their mean."""
    points = [
        {"pair": place, "value": round(value, _DIGITS)} for place, value in enumerate(_scaled(effect).values(), 1)
    ]
    x = alt.X(
        "pair:Q",
        scale=alt.Scale(domain=[0.4, len(points) + 0.6], nice=False),
        axis=alt.Axis(grid=False, title="pair", values=[point["pair"] for point in points], format="d"),
    )
    shown = alt.Axis(title=None, tickCount=5, format=",~r", minExtent=44, domain=False, ticks=False)
    scale = alt.Scale(domain=_extent(effect), nice=False)
    y = alt.Y("value:Q", scale=scale, axis=shown)
    edge = {"y": alt.Y("low:Q", scale=scale, axis=shown), "y2": "high:Q"}
    mean = [{"low": span["mean"], "high": span["mean"]} for span in _interval(effect)]
    layers = [
        alt.Chart(inline(_floor(effect))).mark_rect(fill=GRID).encode(**edge),
        alt.Chart(inline(_interval(effect))).mark_rect(fill=_MEAN.colour, opacity=0.25).encode(**edge),
        alt.Chart(inline(mean)).mark_rule(color=_MEAN.colour, strokeWidth=2).encode(**edge),
        alt.Chart(inline([{"value": 0}])).mark_rule(color=INK).encode(y=y),
        alt.Chart(inline(points)).mark_point(**_marked()).encode(x=x, y=y, tooltip=["pair:Q", "value:Q"]),
    ]
    return figure(key, title, summary, LEGEND, layers, height=_HEIGHT)


def strip(effect: Effect, title: str, summary: str, key: str) -> Figure:
    """Return one measure as a strip: its pairs, their mean and interval, and 0."""
    points = [{"pair": pair, "value": round(value, _DIGITS), "row": 0.3} for pair, value in _scaled(effect).items()]
    spans = [{**span, "row": 0.72} for span in _interval(effect)]
    scale = alt.Scale(domain=_extent(effect), nice=False)
    shown = alt.Axis(grid=False, title=None, tickCount=5, format=",~r")
    x = alt.X("value:Q", scale=scale, axis=shown)
    edge = {"x": alt.X("low:Q", scale=scale, axis=shown), "x2": "high:Q"}
    y = alt.Y("row:Q", scale=alt.Scale(domain=[1, 0], nice=False), axis=None)
    told = ["mean:Q", "low:Q", "high:Q"]
    layers = [
        alt.Chart(inline(_floor(effect))).mark_rect(fill=GRID).encode(**edge),
        alt.Chart(inline([{"value": 0}])).mark_rule(color=INK).encode(x=x),
        alt.Chart(inline(points)).mark_point(**_marked()).encode(x=x, y=y, tooltip=["pair:N", "value:Q"]),
        alt.Chart(inline(spans)).mark_rule(color=_MEAN.colour, strokeWidth=4).encode(**edge, y=y, tooltip=told),
        alt.Chart(inline(spans))
        .mark_point(shape="stroke", angle=90, stroke=_MEAN.colour, strokeWidth=3, size=260, opacity=1)
        .encode(x=alt.X("mean:Q", scale=scale, axis=shown), y=y, tooltip=told),
    ]
    return figure(key, title, summary, LEGEND, layers, height=_STRIP_HEIGHT)


def _marked() -> dict[str, Any]:
    return {"shape": "circle", "stroke": _PAIR.colour, "fill": "var(--page)", "size": 48, "opacity": 1}


def _factor(effect: Effect) -> float:
    """Return by what a difference is told: shares differ in points."""
    return 100.0 if effect.unit == "share" else 1.0


def _scaled(effect: Effect) -> Mapping[str, float]:
    return {pair: value * _factor(effect) for pair, value in effect.differences.items()}


def _interval(effect: Effect) -> list[dict[str, float]]:
    """Return the interval as the only row of a layer; none where it has no ends."""
    found = effect.interval
    if not math.isfinite(found.low):
        return []
    ends = {"low": found.low, "high": found.high, "mean": found.mean}
    return [{name: round(value * _factor(effect), _DIGITS) for name, value in ends.items()}]


def _floor(effect: Effect) -> list[dict[str, float]]:
    widest = round(effect.floor * _factor(effect), _DIGITS)
    return [{"low": -widest, "high": widest}] if widest else []


def _extent(effect: Effect) -> list[float]:
    """Return the scale: all pairs, the interval, the floor and 0, with room at both ends."""
    spans = [end for span in (*_interval(effect), *_floor(effect)) for end in (span["low"], span["high"])]
    values = [0.0, *_scaled(effect).values(), *spans]
    low, high = min(values), max(values)
    room = _ROOM * (high - low) or 1.0
    return [low - room, high + room]
