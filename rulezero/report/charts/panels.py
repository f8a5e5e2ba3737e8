"""The charts of one arm, made to stand beside the same chart of every other arm: their scales come from outside."""

from collections.abc import Sequence

import polars as pl

from rulezero.report.charts.frame import Figure, TimeAxis, background, figure
from rulezero.report.charts.goodput import goodput_sentence
from rulezero.report.charts.marks import Extent, lines, stacked
from rulezero.report.charts.style import GOOD_FILL, MEDIAN, OUTCOME_FILLS, SERIES, TAIL, Bar, Line
from rulezero.report.words import number

MANY = len(SERIES)
LATENCIES = (Line(column="p50_ms", label="p50", stroke=MEDIAN), Line(column="p99_ms", label="p99", stroke=TAIL))


def outcome_bars(requests: pl.DataFrame) -> list[Bar]:
    """Return good answers and the failing outcomes that happened at all, in the order they are piled."""
    present = [name for name in OUTCOME_FILLS if requests.get_column(name).sum()]
    failing = [Bar(column=name, label=name.replace("_", " "), fill=OUTCOME_FILLS[name]) for name in present]
    return [Bar(column="good", label="good", fill=GOOD_FILL), *failing]


def outcomes(requests: pl.DataFrame, bars: Sequence[Bar], arm: str, key: str, axis: TimeAxis, top: float) -> Figure:
    """Return what became of the requests of one arm, stacked: the height of a pile is the offered load."""
    totals = {name: float(requests.get_column(name).sum()) * axis.bucket_s for name in OUTCOME_FILLS}
    counted = [f"{number(total)} {name.replace('_', ' ')}" for name, total in totals.items() if total]
    summary = f"{goodput_sentence(arm, requests, axis)} Not good in all: {', '.join(counted) or 'none'}."
    layers = [*background(axis), *stacked(requests, bars, axis, highest=top)]
    return figure(key, f"Outcomes of {arm}, requests per second", summary, bars, layers)


def latency(latencies: pl.DataFrame, arm: str, key: str, axis: TimeAxis, extent: Extent) -> Figure | None:
    """Return p50 and p99 of the good answers, or nothing when there are none."""
    shown = latencies.drop_nulls("p99_ms")
    if shown.is_empty():
        return None
    highest = shown.sort("p99_ms").row(-1, named=True)
    summary = f"The highest p99 of a second is {number(highest['p99_ms'])} ms, at {number(highest['t_s'])} s."
    layers = [*background(axis), *lines(latencies, LATENCIES, axis, scale="log", extent=extent)]
    return figure(key, f"Latency of good answers of {arm}, ms", summary, LATENCIES, layers)


def attempts(
    relative: pl.DataFrame, links: Sequence[Line], arm: str, key: str, axis: TimeAxis, extent: Extent
) -> Figure | None:
    """Return attempts at each hop, relative to the baseline; `links` are all arms', so that arms draw a link alike."""
    shown = relative.filter(pl.col("link").is_in([link.column for link in links]))
    if shown.is_empty():
        return None
    # What a cold start needs is no amplification.
    warm_s = max((end_s for phase, _, end_s in axis.phases if phase == "warmup"), default=0.0)
    settled = shown.filter(pl.col("t_s") >= warm_s)
    ranked = (shown if settled.is_empty() else settled).sort("relative", "t_s", descending=[True, False])
    highest = ranked.row(0, named=True)
    summary = (
        f"At most {number(highest['relative'])} x the baseline, on {highest['link']} at {number(highest['t_s'])} s: "
        f"{number(highest['per_request'])} a request."
    )
    wide = shown.pivot("link", index="t_s", values="relative").sort("t_s")
    series = [link for link in links if link.column in wide.columns]
    layers = [*background(axis), *lines(wide, series, axis, extent=extent)]
    return figure(key, f"Attempts at each hop relative to the baseline, {arm}", summary, series, layers)


def decisions(
    decided: pl.DataFrame, slices: pl.DataFrame, arm: str, key: str, axis: TimeAxis, extent: Extent
) -> Figure | None:
    """Return the decisions of the defences, each of the most frequent kinds a line; 0 in `slices` without one."""
    if decided.is_empty():
        return None
    decision = pl.col("decision").str.replace_all("_", " ")
    named = decided.with_columns(pl.concat_str("defence", pl.lit(": "), decision).alias("name"))
    totals = named.group_by("name").agg(pl.col("rate").sum()).sort("rate", "name", descending=[True, False])
    counts = [f"{number(rate * axis.bucket_s)} {name}" for name, rate in totals.head(MANY).iter_rows()]
    left_out = f" {totals.height - MANY} rarer kinds are not drawn." if totals.height > MANY else ""
    wide = slices.select("t_s").join(named.pivot("name", index="t_s", values="rate"), on="t_s", how="left")
    series = series_of(totals.head(MANY).get_column("name").sort().to_list())
    layers = [*background(axis), *lines(wide.fill_null(0.0), series, axis, scale="symlog", extent=extent)]
    return figure(key, f"Decisions per second, {arm}", f"In all: {', '.join(counts)}.{left_out}", series, layers)


def origin_loads(
    loads: pl.DataFrame, slices: pl.DataFrame, arm: str, key: str, axis: TimeAxis, extent: Extent
) -> Figure | None:
    """Return the loads of missing cache entries at their origin, where a cache was loaded at all."""
    total = float(loads.get_column("rate").sum()) * axis.bucket_s
    if not total:
        return None
    series = [Line(column="rate", label="loads at the origin", stroke=SERIES[0])]
    wide = slices.select("t_s").join(loads.select("t_s", "rate"), on="t_s", how="left").fill_null(0.0)
    layers = [*background(axis), *lines(wide, series, axis, extent=extent)]
    return figure(key, f"Loads at the origin per second, {arm}", f"{number(total)} loads in all.", series, layers)


def series_of(names: Sequence[str]) -> list[Line]:
    """Return a line for each name, as many as can be told apart."""
    return [Line(column=name, label=name, stroke=stroke) for name, stroke in zip(names, SERIES, strict=False)]
