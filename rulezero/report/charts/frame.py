"""What every chart of a record shares: the time axis, the shaded fault, the phase names, and how a figure is made."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
from altair.utils.schemapi import debug_mode

from rulezero.report.charts.style import CONFIG, FAULT_EDGE, FAULT_FILL, GRID, INK, Bar, Line

SLICES_MAX = 180
HEIGHT = 110
ScaleKind = Literal["linear", "log", "symlog"]
_SMALLEST_LOG = 0.01
# In pixels: what the y axis takes of a figure, and a letter of a phase's name.
_AXIS_WIDTH = 60
_LETTER_WIDTH = 7
Span = tuple[str, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeAxis:
    """The time of one arm: its phases, and its faults as (text, start, end); an instant ends where it starts.

    `titled` says whether the charts name the unit below the axis. `slice_s`: where a chart's slices are wider than
    those of the page.
    """

    phases: tuple[Span, ...]
    faults: tuple[Span, ...]
    titled: bool = False
    slice_s: float | None = None

    @property
    def end_s(self) -> float:
        """Return the end of the last phase."""
        return max((end_s for _, _, end_s in self.phases), default=1.0)

    @property
    def bucket_s(self) -> float:
        """Return the width of a slice of time: a second, wider in long runs to bound the page."""
        return self.slice_s or float(max(1, -(-self.end_s // SLICES_MAX)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One chart: its heading, what it shows in a sentence (for those who cannot see it), and its Vega-Lite form.

    The page draws the legend, because there it wraps as text does.
    """

    key: str
    title: str
    summary: str
    legend: Sequence[Line | Bar]
    spec: dict[str, Any]


def time_axis(manifest: Mapping[str, Any], arm: str) -> TimeAxis:
    """Return the axis of an arm: its faults as measured (without any, the planned fault phase), and its bursts."""
    phases = tuple((name, float(start_s), float(end_s)) for name, start_s, end_s in manifest.get("windows", ()))
    measured = [fault for fault in manifest.get("faults", ()) if fault["arm"] == arm and fault["start_s"] is not None]
    faults = [
        (fault["text"], fault["start_s"], fault["start_s"] if fault["end_s"] is None else fault["end_s"])
        for fault in measured
    ]
    planned = [phase for phase in phases if phase[0] == "fault"]
    bursts = [
        (f"{burst['count']:,} requests at once", start_s + burst["at_s"], start_s + burst["at_s"])
        for _, start_s, _ in planned
        for burst in manifest.get("bursts", ())
    ]
    return TimeAxis(phases=phases, faults=(*(faults or planned), *bursts))


def time_x(axis: TimeAxis, field: str = "t_s") -> alt.X:
    """Return the x channel, the same for every chart so that one instant is one place across all of them."""
    title = "seconds since the load began" if axis.titled else None
    shown = alt.Axis(grid=False, tickCount=8, format=",", title=title)
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, axis.end_s], nice=False), axis=shown)


def value_y(field: str, largest: float, smallest: float = 0.0, *, scale: ScaleKind = "linear") -> alt.Y:
    """Return the y channel, its labels of a fixed width so that plots line up.

    It begins at 0, when logarithmic at the power of ten below `smallest`; "symlog" is linear below 1.
    """
    # Without room at the top the highest line would be cut in half.
    top = largest * 1.1 if largest > 0 else 1.0
    shown = alt.Axis(title=None, tickCount=4, format=",~r", minExtent=44, maxExtent=44, domain=False, ticks=False)
    if scale == "symlog":
        shown.values = [0.0, *_round_numbers(1.0, max(top, 1.0))]
    if scale != "log":
        return alt.Y(f"{field}:Q", scale=alt.Scale(type=scale, domain=[0, top], nice=False), axis=shown)
    low = 10.0 ** math.floor(math.log10(max(smallest, _SMALLEST_LOG)))
    top = max(top, low * 10)
    shown.values = _round_numbers(low, top)
    return alt.Y(f"{field}:Q", scale=alt.Scale(type="log", domain=[low, top], nice=False), axis=shown)


def inline(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Return rows as the data of a layer.

    Altair copies every list and dictionary in a chart again and again, but no tuple, and checks each row.
    """
    with debug_mode(arg=False):
        return alt.InlineData(values=tuple(rows))


def background(axis: TimeAxis) -> list[alt.Chart]:
    """Return the layers below the data: fault windows, phase borders, and the phases' names."""
    spans = inline([{"text": text, "t_s": start_s, "end": end_s} for text, start_s, end_s in axis.faults])
    phases = inline([{"text": text, "t_s": start_s, "end": end_s} for text, start_s, end_s in axis.phases])
    # A name that does not fit its phase is left out: cut short it would say nothing.
    room = f"(datum.end - datum.t_s) * (width - {_AXIS_WIDTH}) / {axis.end_s}"
    fits = alt.ExprRef(f"{room} < {_LETTER_WIDTH} * length(datum.text) ? 0 : 1")
    return [
        alt.Chart(spans)
        .mark_rect(fill=FAULT_FILL, stroke=FAULT_EDGE, strokeWidth=1, strokeDash=[3, 2])
        .encode(x=time_x(axis), x2="end:Q"),
        alt.Chart(phases).mark_rule(color=GRID).encode(x=time_x(axis)),
        alt.Chart(phases)
        .mark_text(align="left", baseline="bottom", dx=3, dy=-2, color=INK, opacity=fits, fontStyle="italic")
        .encode(x=time_x(axis), text="text:N", y=alt.value(0)),
    ]


def figure(
    key: str, title: str, summary: str, legend: Sequence[Line | Bar], layers: Sequence[Any], *, height: int = HEIGHT
) -> Figure:
    """Return the layers as one figure as wide as its place on the page."""
    chart = alt.layer(*layers).properties(width="container", height=height, description=summary)
    # Altair's own validation takes half of a report's time; the tests do it once for every kind of chart.
    spec = chart.to_dict(validate=False)
    spec["datasets"] = {name: list(rows) for name, rows in spec["datasets"].items()}
    spec["config"] = CONFIG
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["padding"] = {"left": 0, "right": 10, "top": 2, "bottom": 2}
    return Figure(key=key, title=title, summary=summary, legend=legend, spec=spec)


def _round_numbers(low: float, top: float) -> list[float]:
    """Return 1, 10, 100, ... within a range, and 2 and 5 of each where there is room for them."""
    digits = (1, 2, 5) if top / low <= 100 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(top)) + 1)
    return [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= top]
