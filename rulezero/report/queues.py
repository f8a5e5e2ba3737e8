"""The queues of a record: one section for each that ever had a backlog, beside what the law of the backlog has."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from rulezero.analysis.backlog import Backlog, law
from rulezero.analysis.figures import windows_of
from rulezero.analysis.queues import GONE_MESSAGES, backlog, downs
from rulezero.defences.bounded_stream import BoundedStream
from rulezero.record import Record
from rulezero.report.charts.backlog import MEASURES, beside_law, drawn
from rulezero.report.charts.frame import Figure, TimeAxis
from rulezero.report.charts.marks import extent_of

Charts = dict[tuple[str, str], Figure | None]


def with_backlog(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return what was told of the queues that ever were long; one that is always all but empty has nothing to show."""
    return backlog(metrics).filter((pl.col("depth") > GONE_MESSAGES).any().over("queue"))


def queue_charts(
    record: Record, told: pl.DataFrame, queue: str, axes: Mapping[str, TimeAxis], arms: Sequence[str]
) -> Charts:
    """Return the charts of one queue by measure and arm, those of a measure alike in scale; None: nobody told."""
    beside = {
        arm: beside_law(
            told.filter((pl.col("arm") == arm) & (pl.col("queue") == queue)), _law(record, arm, queue), axes[arm]
        )
        for arm in arms
    }
    every = pl.concat(beside.values())
    charts: Charts = {}
    for measure in MEASURES:
        extent = extent_of(every, (measure, f"{measure}_law"))
        for index, arm in enumerate(arms):
            key = f"queue-{queue}-{measure}-{index}"
            charts[measure, arm] = drawn(beside[arm], measure, f"{queue}, {arm}", key, axes[arm], extent)
    return charts


def _law(record: Record, arm: str, queue: str) -> Iterator[Backlog]:
    """Return what the law has, nothing for an arm that has no figures."""
    figures = _named(record.verdict.get("arms", ()), arm).get("queues", {}).get(queue)
    if figures is None:
        return iter(())
    in_force = _named(record.manifest["arms"], arm).get("in_force", {})
    dead = downs(record.metrics.filter(pl.col("arm") == arm), record.manifest, arm, queue)
    bound = in_force.get(BoundedStream.name, {}).get("max_msgs", math.inf)
    return law(figures, windows_of(record.manifest), downs=dead, max_msgs=bound)


def _named(arms: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next((arm for arm in arms if arm["name"] == name), {})
