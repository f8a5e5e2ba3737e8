"""A heat map of pairs of defences: how much more or less two do together than the sum of what each does alone.

The number and the word in a field say it without colour; the colour says the sign, its strength how much.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from rulezero.report.charts.frame import Figure, figure, inline
from rulezero.report.charts.style import FAINT, INK
from rulezero.report.effects import with_interval

MORE, LESS, NONE = "var(--good)", "var(--bad)", "var(--panel)"
_FIELD_HEIGHT = 64
_STRONGEST = 0.55  # Text on it must stay legible.


def pairs(
    measured: Sequence[Mapping[str, Any]], defences: Sequence[str], *, scale: float, unit: str, key: str = "pairs"
) -> Figure | None:
    """Return the heat map, nothing where no pair was measured; `scale` and `unit` are those of the interactions."""
    known = [pair for pair in measured if pair["interaction"]["mean"] is not None]
    if not known:
        return None
    largest = max(abs(pair["interaction"]["mean"]) for pair in known) or 1.0
    fields = [
        {"one": one, "other": other, **_field(pair, largest, scale)}
        for pair in known
        for one, other in (pair["pair"], reversed(pair["pair"]))
    ]
    base = alt.Chart(inline(fields)).encode(x=_place("one", defences), y=_place("other", defences))
    layers = [
        base.mark_rect(stroke=FAINT, strokeWidth=1).encode(
            fill=alt.Fill("colour:N", scale=None, legend=None),
            fillOpacity=alt.FillOpacity("strength:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("one", "other", "says", "interaction")],
        ),
        base.mark_text(dy=-7, color=INK, fontWeight="bold").encode(text="says:N"),
        base.mark_text(dy=9, color=INK, fontSize=10).encode(text="interaction:N"),
    ]
    told = (f"{' and '.join(pair['pair'])}: {_told(pair, scale)} {unit}, {pair['says']}" for pair in known)
    title = f"What two do together beyond the sum of each alone, {unit}"
    return figure(key, title, f"{'; '.join(told)}.", (), layers, height=_FIELD_HEIGHT * len(defences))


def _field(pair: Mapping[str, Any], largest: float, scale: float) -> dict[str, Any]:
    mean = pair["interaction"]["mean"]
    return {
        "says": pair["says"],
        "interaction": _told(pair, scale),
        "colour": MORE if mean > 0 else LESS if mean < 0 else NONE,
        "strength": round(_STRONGEST * abs(mean) / largest, 3) if mean else 1.0,
    }


def _told(pair: Mapping[str, Any], scale: float) -> str:
    return with_interval(pair["interaction"], scale)


def _place(field: str, defences: Sequence[str]) -> Any:
    """Return the channel of rows or columns, in the order in which the defences were named."""
    axis = alt.Axis(title=None, labelAngle=0, labelLimit=160, ticks=False, domain=False, grid=False)
    kind = alt.X if field == "one" else alt.Y
    return kind(f"{field}:N", scale=alt.Scale(domain=list(defences)), sort=None, axis=axis)
