"""The states of circuit breakers as a timeline: one row per breaker."""

from typing import Any

import altair as alt
import polars as pl

from rulezero.report.charts.frame import Figure, TimeAxis, background, figure, inline, time_x
from rulezero.report.charts.style import INK, STATE_FILLS, STATE_NAMES, Bar
from rulezero.report.words import number

ROWS_MAX = 12
_ROW_HEIGHT = 34


STATES = [Bar(column=f"s{state}", label=STATE_NAMES[state], fill=fill) for state, fill in STATE_FILLS.items()]


def breakers(states: pl.DataFrame, arm: str, key: str, axis: TimeAxis) -> Figure | None:
    """Return the timeline of an arm's breakers that ever left the closed state, or nothing if none did."""
    named = states.with_columns(pl.concat_str("process", pl.lit(" to "), "dependency").alias("name"))
    moved = named.filter((pl.col("state") != 0).any().over("name"))
    names = moved.get_column("name").unique(maintain_order=True).to_list()[:ROWS_MAX]
    if not names:
        return None
    shown = [
        {
            "row": names.index(stretch["name"]), "name": stretch["name"], "key": f"s{stretch['state']}",
            "state": STATE_NAMES.get(stretch["state"], "unknown"), "t_s": stretch["start_s"], "end": stretch["end_s"],
        }
        for stretch in moved.iter_rows(named=True) if stretch["name"] in names
    ]  # fmt: skip
    layers = [*background(axis), _strips(shown, len(names), axis), _labels(names, axis)]
    height = _ROW_HEIGHT * len(names)
    summary = _summary(moved, names, named.get_column("name").n_unique() - len(names))
    return figure(key, f"Circuit breakers of {arm}", summary, STATES, layers, height=height)


def _strips(stretches: list[dict[str, object]], rows: int, axis: TimeAxis) -> Any:
    fields = [f"s{state}" for state in STATE_FILLS]
    return (
        alt.Chart(inline(stretches))
        .transform_calculate(low="datum.row + 0.5", high="datum.row + 0.95")
        .mark_rect(stroke=INK, strokeWidth=0.8, clip=True)
        .encode(
            x=time_x(axis),
            x2="end:Q",
            y=_row_y("low", rows),
            y2="high:Q",
            fill=alt.Fill("key:N", scale=alt.Scale(domain=fields, range=list(STATE_FILLS.values())), legend=None),
            tooltip=[
                alt.Tooltip("name:N", title="breaker"),
                alt.Tooltip("state:N"),
                alt.Tooltip("t_s:Q", title="from s", format=",.1f"),
                alt.Tooltip("end:Q", title="to s", format=",.1f"),
            ],
        )
    )


def _labels(names: list[str], axis: TimeAxis) -> Any:
    values = [{"t_s": 0, "row": index + 0.46, "name": name} for index, name in enumerate(names)]
    return (
        alt.Chart(inline(values))
        .mark_text(align="left", baseline="bottom", dx=2, color=INK)
        .encode(x=time_x(axis), y=_row_y("row", len(names)), text="name:N")
    )


def _row_y(field: str, rows: int) -> alt.Y:
    """Return a y channel without labels that takes the same room as those of the other charts."""
    bare = alt.Axis(title=None, labels=False, ticks=False, domain=False, grid=False, minExtent=44, maxExtent=44)
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[rows, 0], nice=False), axis=bare)


def _summary(states: pl.DataFrame, names: list[str], others: int) -> str:
    lengths = pl.col("end_s") - pl.col("start_s")
    openings = states.filter(pl.col("state") == 2).group_by("name").agg(pl.len(), lengths.sum().alias("open_s"))
    counted = {name: (count, open_s) for name, count, open_s in openings.iter_rows()}
    parts = []
    for name in names:
        count, open_s = counted.get(name, (0, 0.0))
        times = "once" if count == 1 else f"{count} times"
        parts.append(f"{name} was seen to open {times}, open for {number(open_s)} s in all")
    rest = f"; {others} other breaker{'' if others == 1 else 's'} stayed closed" if others else ""
    return f"{'; '.join(parts)}{rest}."
