"""How charts tell their series apart: by colour, and without colour by dashes, markers and hatching.

Colours are names of the page's CSS variables, so that one drawing serves light and dark; fills are names of the SVG
patterns that the page defines (`templates/patterns.svg.jinja`).
"""

from dataclasses import dataclass
from typing import Any

INK = "var(--ink)"
FAINT = "var(--faint)"
GRID = "var(--grid)"
FAULT_FILL = "url(#hatch-fault)"
FAULT_EDGE = "var(--fault)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stroke:
    """The look of one line; `marker` names a Vega symbol, drawn every few points."""

    colour: str
    dash: tuple[int, ...] = (1, 0)
    width: float = 2.0
    marker: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A column of a frame, what it is called, and its look."""

    column: str
    label: str
    stroke: Stroke


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A column of a frame, what it is called, and the pattern that fills it."""

    column: str
    label: str
    fill: str


OFFERED = Stroke(colour=FAINT, dash=(2, 2), width=1.2)
CONTROL = Stroke(colour="var(--series-2)", dash=(7, 3))
DEFENDED = Stroke(colour="var(--series-1)", width=2.6)
MEDIAN = Stroke(colour="var(--series-1)")
TAIL = Stroke(colour="var(--series-2)", dash=(5, 3), marker="triangle-up")

SERIES = (
    Stroke(colour="var(--series-1)", marker="circle"),
    Stroke(colour="var(--series-2)", dash=(7, 3), marker="square"),
    Stroke(colour="var(--series-3)", dash=(2, 2), marker="triangle-up"),
    Stroke(colour="var(--series-4)", dash=(8, 3, 2, 3), marker="diamond"),
    Stroke(colour="var(--series-5)", dash=(12, 4), marker="cross"),
    Stroke(colour="var(--series-6)", dash=(4, 2, 1, 2, 1, 2), marker="triangle-down"),
    Stroke(colour="var(--series-7)", dash=(1, 3), marker="circle"),
    Stroke(colour="var(--series-8)", dash=(10, 2, 2, 2), marker="square"),
    Stroke(colour="var(--series-1)", dash=(3, 6), marker="diamond"),
    Stroke(colour="var(--series-2)", dash=(14, 3, 3, 3), marker="cross"),
)

GOOD_FILL = "url(#hatch-good)"
OUTCOME_FILLS = {
    name: f"url(#hatch-{name})" for name in ("late", "error", "timeout", "rejected", "cancelled", "not_sent")
}
STATE_FILLS = {0: "url(#hatch-closed)", 1: "url(#hatch-half-open)", 2: "url(#hatch-open)"}
STATE_NAMES = {0: "closed", 1: "half-open", 2: "open"}

_FONT = "system-ui, sans-serif"

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal",
        "gridColor": GRID, "domainColor": FAINT, "tickColor": FAINT,
    },
    "text": {"color": INK, "font": _FONT, "fontSize": 11},
}  # fmt: skip
