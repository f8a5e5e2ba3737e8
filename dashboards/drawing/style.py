"""Colours, letters and numbers of the pictures."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from dashboards.model import BAD, GOOD, MEANINGS, OFFERED, QUIET, Query

INK, FAINT, GRID, PAPER, CARD = "#1b1f24", "#59636e", "#e2e6ea", "#f4f5f5", "#ffffff"
# None of the colours that have a meaning.
PALETTE = (
    "#6C4AB6", "#0B7285", "#B0660B", "#A61E6A", "#5AA9E6", "#7B5E3B", "#D16BA5", "#2F4B7C", "#8D99AE", "#C9A227",
    "#00A6A6", "#5C5C8A",
)  # fmt: skip
ROLES = {"offered": OFFERED, "good": GOOD, "bad": BAD, "limit": QUIET, "prediction": QUIET}
FONT = "DejaVu Sans, Verdana, sans-serif"
_LETTER = 0.6  # Of the size of the letters, on average.
# Per unit of Grafana's: what stands behind a number, and an expression of Vega's for the labels of an axis.
_SUFFIX = {"reqps": "/s", "cps": "/s", "s": "s", "d": " d", "percentunit": "%", "bytes": "B", "none": ""}


def axis_labels(unit: str) -> str:
    """Return the Vega expression that labels an axis in this unit."""
    if unit == "percentunit":
        return "format(datum.value * 100, '~r') + '%'"
    if unit in ("s", "bytes"):
        return f"datum.value == 0 ? '0' : format(datum.value, '~s') + '{_SUFFIX[unit]}'"
    return "format(datum.value, datum.value >= 10000 ? '~s' : ',~r')"


def shown(value: float, unit: str) -> str:
    """Return a number as people read it: three digits and its unit."""
    if unit == "percentunit":
        return f"{_digits(value * 100)}%"
    if unit == "s" and 0 < abs(value) < 1:
        return f"{_digits(value * 1000)} ms"
    if unit == "bytes":
        power = min(3, int(math.log(max(1.0, abs(value)), 1000)))
        return f"{_digits(value / 1000**power)} {('', 'k', 'M', 'G')[power]}B"
    return f"{_digits(value)}{' s' if unit == 's' else _SUFFIX.get(unit, '')}"


def unit_text(unit: str) -> str:
    """Return what stands beside a panel's title."""
    return {"reqps": "req/s", "cps": "1/s", "s": "s", "percentunit": "%", "bytes": "bytes", "d": "days"}.get(unit, "")


def colours(named: Sequence[tuple[Query, str]], *, by_meaning: bool) -> list[str]:
    """Return a colour for each series: of its role, of its meaning, or the next of the palette."""
    found, free = [], 0
    for query, name in named:
        meaning = next((colour for word, colour in MEANINGS.items() if name.split(" ")[-1] == word), None)
        if query.role != "measured":
            found.append(ROLES[query.role])
        elif by_meaning and meaning:
            found.append(meaning)
        else:
            found.append(PALETTE[free % len(PALETTE)])
            free += 1
    return found


def fits(text: str, width: float, size: float) -> str:
    """Return a text cut to a width in pixels."""
    letters = max(1, int(width / (size * _LETTER)))
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def width_of(text: str, size: float) -> float:
    """Return about how wide a text is."""
    return len(text) * size * _LETTER


def label(
    x: float, y: float, text: str, *, size: float = 12, colour: str = INK, anchor: str = "start", bold: bool = False
) -> str:
    """Return a text of the picture."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{FONT}" font-size="{size:g}" fill="{colour}"'
        f' text-anchor="{anchor}"{weight}>{escape(text)}</text>'
    )


def box(
    x: float, y: float, width: float, height: float, fill: str, *, stroke: str = "none", round_px: float = 2
) -> str:
    """Return a rectangle of the picture."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
        f' rx="{round_px:g}" fill="{fill}" stroke="{stroke}"/>'
    )


def _digits(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
