"""The one chart that shows the verdict of a record: its control against its best arm.

Goodput, unless the arms are compared by something that shows in the latency, the attempts on a link, or a queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from rulezero.analysis import series
from rulezero.analysis.queues import backlog, by_slice
from rulezero.experiment import MEASURED
from rulezero.record import Record
from rulezero.report.charts.frame import Figure, TimeAxis, time_axis
from rulezero.report.charts.goodput import comparison
from rulezero.report.charts.measured import measured
from rulezero.report.tables import best_arm
from rulezero.report.words import number

# A percentile of a second's few requests, or a ratio of few attempts, would be mostly chance.
SLICE_S = 4.0


def comparison_of(record: Record) -> Figure | None:
    """Return the chart; without a verdict the first defended arm stands for the best, without rows there is none."""
    control = record.verdict.get("control") or record.manifest.get("control", "")
    names = [arm["name"] for arm in record.manifest.get("arms", ())]
    best = best_arm(record.verdict)
    others = [best["name"]] if best else [name for name in names if name != control][:1]
    axis = time_axis(record.manifest, others[0] if others else control)
    arms = [name for name in names if name in (control, *others)]
    chart, drawn = record.verdict.get("chart"), None
    if chart == "latency":
        drawn = _latency(record, arms, control, axis)
    elif chart == "attempts":
        drawn = _attempts(record, arms, control, axis)
    elif chart == "backlog":
        drawn = _backlog(record, arms, control, axis)
    return drawn or _goodput(record, arms, control, axis)


def _goodput(record: Record, arms: Sequence[str], control: str, axis: TimeAxis) -> Figure | None:
    requests = series.requests_per_second(_rows(record, arms), record.manifest, bucket_s=axis.bucket_s)
    return comparison(requests, arms, control, axis)


def _latency(record: Record, arms: Sequence[str], control: str, axis: TimeAxis) -> Figure | None:
    wide = _wide(axis)
    tails = series.latency_per_second(_rows(record, arms), record.manifest, bucket_s=wide.bucket_s)
    summary = " ".join(
        _sentence("p99 of the good answers", arm["name"], [arm["latency_ms"][phase]["p99"] for phase in MEASURED], "ms")
        for arm in _figures(record, arms)
    )
    values = tails.select("arm", "t_s", pl.col("p99_ms").alias("value"))
    title = "p99 of the good answers over time, ms"
    return measured(values, arms, control, wide, what="p99", title=title, summary=summary, scale="log")


def _attempts(record: Record, arms: Sequence[str], control: str, axis: TimeAxis) -> Figure | None:
    figures = _figures(record, arms)
    counted = {
        link: by_phase["fault"]
        for arm in figures
        if arm["name"] == control
        for link, by_phase in arm["attempts_per_request"].items()
        if by_phase["fault"] is not None
    }
    if not counted:
        return None
    link = max(counted, key=lambda name: counted[name])
    wide = _wide(axis)
    metrics = record.metrics.filter(pl.col("arm").is_in(arms))
    tried = series.attempts_per_request(_rows(record, arms), metrics, record.manifest, bucket_s=wide.bucket_s)
    summary = " ".join(
        _sentence(f"Attempts on {link} per request", arm["name"], [by_phase[phase] for phase in MEASURED], "")
        for arm in figures
        for by_phase in (arm["attempts_per_request"].get(link),)
        if by_phase is not None
    )
    values = tried.filter(pl.col("link") == link).select("arm", "t_s", pl.col("per_request").alias("value"))
    title = f"Attempts on {link} per request, over time"
    return measured(values.sort("arm", "t_s"), arms, control, wide, what="attempts", title=title, summary=summary)


def _backlog(record: Record, arms: Sequence[str], control: str, axis: TimeAxis) -> Figure | None:
    told = backlog(record.metrics.filter(pl.col("arm").is_in(arms)))
    if told.is_empty():
        return None
    queue = told.sort("oldest_s").row(-1, named=True)["queue"]
    sliced = by_slice(told.filter(pl.col("queue") == queue), axis.bucket_s)
    values = sliced.select("arm", "t_s", pl.col("oldest_s").alias("value"))
    summary = " ".join(
        _ages(arm["name"], found["oldest_s"])
        for arm in _figures(record, arms)
        if (found := arm.get("queues", {}).get(queue)) is not None
    )
    title = f"Age of the oldest message of {queue} over time, seconds"
    return measured(values, arms, control, axis, what="age", title=title, summary=summary)


def _ages(arm: str, oldest_s: Mapping[str, float | None]) -> str:
    ends = [(oldest_s["fault_end"], "at the end of the fault"), (oldest_s["hold_end"], "at the end of the hold")]
    told = [f"{number(value)} s {when}" for value, when in ends if value is not None]
    return f"Age of the oldest message with {arm}: {', '.join(told) or 'none recorded'}."


def _wide(axis: TimeAxis) -> TimeAxis:
    return replace(axis, slice_s=max(axis.bucket_s, SLICE_S))


def _rows(record: Record, arms: Sequence[str]) -> pl.DataFrame:
    return record.rows.filter(pl.col("arm").is_in(arms))


def _figures(record: Record, arms: Sequence[str]) -> list[dict[str, Any]]:
    return [arm for arm in record.verdict["arms"] if arm["name"] in arms]


def _sentence(what: str, arm: str, values: Sequence[float | None], unit: str) -> str:
    told = [
        f"{number(value)}{f' {unit}' if unit else ''} in the {phase}"
        for phase, value in zip(MEASURED, values, strict=True)
        if value is not None
    ]
    return f"{what} with {arm}: {', '.join(told) or 'none recorded'}."
