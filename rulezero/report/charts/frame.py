"""What every chart of a record shares: the time axis, the shaded fault, the phase names, and how a figure is made."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from rulezero.report.charts.style import CONFIG, FAINT, FAULT_EDGE, FAULT_FILL, GRID, INK

SLICES_MAX = 180
_SMALLEST_LOG = 0.01
Span = tuple[str, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeAxis:
    """The time of one arm: its phases, and its faults as (text, start, end); an instant ends where it starts.

    `titled` says whether the charts name the unit below the axis.
    """

    phases: tuple[Span, ...]
    faults: tuple[Span, ...]
    titled: bool = False

    @property
    def end_s(self) -> float:
        """Return the end of the last phase."""
        return max((end_s for _, _, end_s in self.phases), default=1.0)

    @property
    def bucket_s(self) -> float:
        """Return the width of a slice of time: a second, wider in long runs to bound the page."""
        return float(max(1, -(-self.end_s // SLICES_MAX)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One chart: its heading, what it shows in a sentence (for those who cannot see it), and its Vega-Lite form."""

    key: str
    title: str
    summary: str
    spec: dict[str, Any]


def time_axis(manifest: Mapping[str, Any], arm: str) -> TimeAxis:
    """Return the axis of an arm. Faults are the measured ones; without any, the planned fault phase is shaded."""
    phases = tuple((name, float(start_s), float(end_s)) for name, start_s, end_s in manifest.get("windows", ()))
    measured = [fault for fault in manifest.get("faults", ()) if fault["arm"] == arm and fault["start_s"] is not None]
    faults = tuple(
        (fault["text"], fault["start_s"], fault["start_s"] if fault["end_s"] is None else fault["end_s"])
        for fault in measured
    )
    return TimeAxis(phases=phases, faults=faults or tuple(phase for phase in phases if phase[0] == "fault"))


def time_x(axis: TimeAxis, field: str = "t_s") -> alt.X:
    """Return the x channel, the same for every chart so that one instant is one place across all of them."""
    title = "seconds since the load began" if axis.titled else None
    shown = alt.Axis(grid=False, tickCount=8, format=",", title=title)
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, axis.end_s], nice=False), axis=shown)


def value_y(field: str, largest: float, smallest: float | None = None) -> alt.Y:
    """Return the y channel from 0, or logarithmic from `smallest`; labels have a fixed width so that plots line up."""
    # Without room at the top the highest line would be cut in half.
    top = largest * 1.1 if largest > 0 else 1.0
    if smallest is None:
        scale, values = alt.Scale(domain=[0, top], nice=False), alt.Undefined
    else:
        low = 10.0 ** math.floor(math.log10(max(smallest, _SMALLEST_LOG)))
        top = max(top, low * 10)
        scale, values = alt.Scale(type="log", domain=[low, top], nice=False), _round_numbers(low, top)
    shown = alt.Axis(
        title=None, tickCount=4, values=values, format=",~r", minExtent=44, maxExtent=44, domain=False, ticks=False
    )
    return alt.Y(f"{field}:Q", scale=scale, axis=shown)


def background(axis: TimeAxis, *, named: bool) -> list[alt.Chart]:
    """Return the layers below the data: fault windows, phase borders, and the phases' names where `named`."""
    spans = alt.Data(values=[{"text": text, "t_s": start_s, "end": end_s} for text, start_s, end_s in axis.faults])
    phases = alt.Data(values=[{"text": text, "t_s": start_s, "end": end_s} for text, start_s, end_s in axis.phases])
    layers = [
        alt.Chart(spans)
        .mark_rect(fill=FAULT_FILL, stroke=FAULT_EDGE, strokeWidth=1, strokeDash=[3, 2])
        .encode(x=time_x(axis), x2="end:Q"),
        alt.Chart(phases).mark_rule(color=GRID).encode(x=time_x(axis)),
    ]
    if named:
        # A name that does not fit its phase is left out: cut short it would say nothing.
        room = f"(datum.end - datum.t_s) * width / {axis.end_s}"
        fits = alt.ExprRef(f"{room} < 7 * length(datum.text) ? 0 : 1")
        names = alt.Chart(phases).mark_text(
            align="left", baseline="bottom", dx=3, dy=-2, color=INK, opacity=fits, y=0, fontStyle="italic"
        )
        layers.append(names.encode(x=time_x(axis), text="text:N", y=alt.value(0)))
    return layers


def figure(key: str, title: str, summary: str, layers: Sequence[Any], height: int) -> Figure:
    """Return the layers as one figure as wide as its place on the page."""
    chart = alt.layer(*layers).properties(width="container", height=height, description=summary)
    # Altair's own validation takes half of a report's time; the tests do it once for every kind of chart.
    spec = chart.to_dict(validate=False)
    spec["config"] = CONFIG
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["padding"] = {"left": 0, "right": 10, "top": 2, "bottom": 2}
    return Figure(key=key, title=title, summary=summary, spec=spec)


def legend(labels: Collection[str], symbol: str) -> alt.Legend:
    """Return a legend above the plot for the fields s0, s1, ...; it wraps where the page is narrow."""
    room = 36 + 7 * max(map(len, labels), default=0)
    names = ", ".join(f"s{index}: {_quoted(label)}" for index, label in enumerate(labels))
    return alt.Legend(
        orient="top",
        title=None,
        symbolType=symbol,
        symbolSize=250,
        symbolFillColor=FAINT if symbol == "stroke" else alt.Undefined,
        columns=alt.ExprRef(f"max(1, floor(width / {room}))"),
        labelLimit=alt.ExprRef("width - 30"),
        labelExpr=f"({{{names}}})[datum.value]",
    )


def _round_numbers(low: float, top: float) -> list[float]:
    """Return 1, 10, 100, ... within a range, and 2 and 5 of each where there is room for them."""
    digits = (1, 2, 5) if top / low <= 100 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(top)) + 1)
    return [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= top]


def _quoted(text: str) -> str:
    """Return a string of Vega's expression language."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"
