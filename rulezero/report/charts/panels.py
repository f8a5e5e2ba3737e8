"""The charts of one arm on one time axis: latency beside failures, attempts at each hop, what the defences did."""

from collections.abc import Sequence

import polars as pl

from rulezero.report.charts.frame import Figure, TimeAxis, background, figure
from rulezero.report.charts.marks import lines, stacked
from rulezero.report.charts.style import MEDIAN, OUTCOME_FILLS, SERIES, TAIL, Bar, Line
from rulezero.report.words import number

MANY = len(SERIES)


def latency(latencies: pl.DataFrame, key: str, axis: TimeAxis) -> Figure | None:
    """Return p50 and p99 of the good answers, or nothing when there are none."""
    shown = latencies.drop_nulls()
    if shown.is_empty():
        return None
    series = [Line(column="p50_ms", label="p50", stroke=MEDIAN), Line(column="p99_ms", label="p99", stroke=TAIL)]
    highest = shown.sort("p99_ms").row(-1, named=True)
    summary = (
        f"The highest p99 of a second is {number(highest['p99_ms'])} ms, at {number(highest['t_s'])} s. Seconds "
        "without a good answer are gaps; what failed is in the next chart."
    )
    layers = [*background(axis, named=False), *lines(latencies, series, axis, scale="log")]
    return figure(f"{key}-latency", "Latency of good answers, ms (logarithmic)", summary, series, layers)


def failing(requests: pl.DataFrame, key: str, axis: TimeAxis) -> Figure:
    """Return the failing outcomes, stacked."""
    totals = {name: float(requests.get_column(name).sum()) * axis.bucket_s for name in OUTCOME_FILLS}
    present = [name for name, total in totals.items() if total] or ["error"]
    series = [Bar(column=name, label=name.replace("_", " "), fill=OUTCOME_FILLS[name]) for name in present]
    counted = [f"{number(total)} {name.replace('_', ' ')}" for name, total in totals.items() if total]
    summary = f"Requests that failed: {', '.join(counted) or 'none'}."
    layers = [*background(axis, named=False), *stacked(requests, series, axis)]
    return figure(f"{key}-failing", "Failing outcomes, requests per second", summary, series, layers)


def attempts(per_request: pl.DataFrame, links: Sequence[str], key: str, axis: TimeAxis) -> Figure | None:
    """Return attempts per user request at each hop; `links` is their order, so that arms draw a link alike."""
    if per_request.is_empty():
        return None
    highest = per_request.sort("per_request", "t_s", descending=[True, False]).row(0, named=True)
    summary = (
        f"The most attempts per request in a second: {number(highest['per_request'])} on {highest['link']}, "
        f"at {number(highest['t_s'])} s."
    )
    wide = per_request.pivot("link", index="t_s", values="per_request").sort("t_s")
    series = _series([link for link in links if link in wide.columns])
    layers = [*background(axis, named=False), *lines(wide, series, axis)]
    return figure(f"{key}-attempts", "Attempts per request at each hop", summary, series, layers)


def decisions(decided: pl.DataFrame, slices: pl.DataFrame, key: str, axis: TimeAxis) -> Figure | None:
    """Return the decisions of the defences, each of the most frequent kinds a line; 0 in `slices` without one."""
    if decided.is_empty():
        return None
    named = decided.with_columns(pl.concat_str("defence", pl.lit(": "), "decision").alias("name"))
    totals = named.group_by("name").agg(pl.col("rate").sum()).sort("rate", "name", descending=[True, False])
    counts = [f"{number(rate * axis.bucket_s)} {name}" for name, rate in totals.head(MANY).iter_rows()]
    left_out = f" {totals.height - MANY} rarer kinds are not drawn." if totals.height > MANY else ""
    wide = slices.select("t_s").join(named.pivot("name", index="t_s", values="rate"), on="t_s", how="left")
    series = _series(totals.head(MANY).get_column("name").sort().to_list())
    layers = [*background(axis, named=False), *lines(wide.fill_null(0.0), series, axis, scale="symlog")]
    title = "Decisions of the defences, per second (logarithmic above 1)"
    return figure(f"{key}-decisions", title, f"In all: {', '.join(counts)}.{left_out}", series, layers)


def origin_loads(loads: pl.DataFrame, key: str, axis: TimeAxis) -> Figure | None:
    """Return the loads of missing cache entries at their origin, where a cache was loaded at all."""
    total = float(loads.get_column("rate").sum()) * axis.bucket_s
    if not total:
        return None
    series = [Line(column="rate", label="loads at the origin", stroke=SERIES[0])]
    layers = [*background(axis, named=False), *lines(loads, series, axis)]
    summary = f"{number(total)} loads in all."
    return figure(f"{key}-origin", "Loads at the origin, per second", summary, series, layers)


def _series(names: Sequence[str]) -> list[Line]:
    return [Line(column=name, label=name, stroke=stroke) for name, stroke in zip(names, SERIES, strict=False)]
