"""The charts of one arm on one time axis: latency beside failures, attempts at each hop, what the defences did."""

from collections.abc import Iterator, Sequence

import polars as pl

from rulezero.report.charts.frame import Figure, TimeAxis, background, figure
from rulezero.report.charts.marks import Bar, Line, lines, stacked
from rulezero.report.charts.style import MEDIAN, OUTCOME_FILLS, SERIES, TAIL
from rulezero.report.words import number

HEIGHT = 110
MANY = len(SERIES)


def latency(latencies: pl.DataFrame, key: str, axis: TimeAxis) -> Figure | None:
    """Return p50 and p99 of the good answers, or nothing when there are none."""
    shown = latencies.drop_nulls()
    if shown.is_empty():
        return None
    series = [Line(column="p50_ms", label="p50", stroke=MEDIAN), Line(column="p99_ms", label="p99", stroke=TAIL)]
    highest = shown.sort("p99_ms").row(-1, named=True)
    summary = (
        f"The highest p99 of a second is {number(highest['p99_ms'])} ms, at {number(highest['t_s'])} s. Seconds without "
        "a good answer are gaps; what failed is in the next chart."
    )
    layers = [*background(axis, named=False), *lines(latencies, series, axis, log=True)]
    return figure(f"{key}-latency", "Latency of good answers, ms (logarithmic)", summary, layers, height=HEIGHT)


def failing(requests: pl.DataFrame, key: str, axis: TimeAxis) -> Figure:
    """Return the failing outcomes, stacked."""
    totals = {name: float(requests.get_column(name).sum()) * axis.bucket_s for name in OUTCOME_FILLS}
    present = [name for name, total in totals.items() if total] or ["error"]
    series = [Bar(column=name, label=name.replace("_", " "), fill=OUTCOME_FILLS[name]) for name in present]
    counted = [f"{number(total)} {name.replace('_', ' ')}" for name, total in totals.items() if total]
    summary = f"Requests that failed: {', '.join(counted) or 'none'}."
    layers = [*background(axis, named=False), *stacked(requests, series, axis)]
    return figure(f"{key}-failing", "Failing outcomes, requests per second", summary, layers, height=HEIGHT)


def attempts(per_request: pl.DataFrame, links: Sequence[str], key: str, axis: TimeAxis) -> Figure | None:
    """Return attempts per user request at each hop; `links` is their order, so that arms draw a link alike."""
    if per_request.is_empty():
        return None
    highest = per_request.drop_nulls().sort("per_request").row(-1, named=True)
    summary = (
        f"The most attempts per request in a second: {number(highest['per_request'])} on {highest['link']}, "
        f"at {number(highest['t_s'])} s."
    )
    title = "Attempts per request at each hop"
    return _by_name(per_request.rename({"link": "name"}), "per_request", links, f"{key}-attempts", title, summary, axis)


def decisions(decided: pl.DataFrame, key: str, axis: TimeAxis) -> Figure | None:
    """Return the decisions of the defences, the most frequent kinds each as a line."""
    if decided.is_empty():
        return None
    named = decided.with_columns(pl.concat_str("defence", pl.lit(": "), "decision").alias("name"))
    totals = named.group_by("name").agg(pl.col("rate").sum()).sort("rate", "name", descending=[True, False])
    names = totals.head(MANY).get_column("name").sort().to_list()
    counts = [f"{number(rate * axis.bucket_s)} {name}" for name, rate in totals.head(MANY).iter_rows()]
    left_out = f" {totals.height - MANY} rarer kinds are not drawn." if totals.height > MANY else ""
    summary = f"Decisions in all: {', '.join(counts)}.{left_out}"
    title = "Decisions of the defences, per second"
    return _by_name(named, "rate", names, f"{key}-decisions", title, summary, axis)


def origin_loads(loads: pl.DataFrame, key: str, axis: TimeAxis) -> Figure | None:
    """Return the loads of missing cache entries at their origin, where a cache was loaded at all."""
    total = float(loads.get_column("rate").sum()) * axis.bucket_s
    if not total:
        return None
    series = [Line(column="rate", label="loads at the origin", stroke=SERIES[0])]
    layers = [*background(axis, named=False), *lines(loads, series, axis)]
    summary = f"{number(total)} loads in all."
    return figure(f"{key}-origin", "Loads at the origin, per second", summary, layers, height=HEIGHT)


def _by_name(
    frame: pl.DataFrame, value: str, names: Sequence[str], key: str, title: str, summary: str, axis: TimeAxis
) -> Figure:
    """Return one line for each of these values of the column `name`; a slice without a value is a zero."""
    names = names[:MANY]
    columns = [
        frame.filter(pl.col("name") == name).select("t_s", pl.col(value).alias(f"v{index}"))
        for index, name in enumerate(names)
    ]
    slices = pl.DataFrame({"t_s": list(_slices(frame, axis))})
    for column in columns:
        slices = slices.join(column, on="t_s", how="left")
    series = [Line(column=f"v{i}", label=name, stroke=SERIES[i]) for i, name in enumerate(names)]
    layers = [*background(axis, named=False), *lines(slices.fill_null(0.0), series, axis)]
    return figure(key, title, summary, layers, height=HEIGHT)


def _slices(frame: pl.DataFrame, axis: TimeAxis) -> Iterator[float]:
    last = frame.get_column("t_s").max()
    end_s = max(float(last), axis.end_s - axis.bucket_s) if isinstance(last, int | float) else 0.0
    return (index * axis.bucket_s for index in range(int(end_s / axis.bucket_s) + 1))
