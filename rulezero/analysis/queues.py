"""What became of the messages: how long each queue got, how old its oldest one, what was refused, what came twice."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from rulezero.analysis.counters import increase_by, label_value, select
from rulezero.analysis.system import capacities_rps
from rulezero.experiment import MEASURED

Window = tuple[float, float]

DEPTH, OLDEST = "queue_depth", "queue_oldest_message_age_seconds"
# A backlog is gone once so little is left of it, or what there was before the fault.
GONE_SHARE = 0.05
GONE_MESSAGES = 10
MISSED_SLICES_MAX = 2


def queues(
    metrics: pl.DataFrame, manifest: Mapping[str, Any], windows: Mapping[str, Window], arm: str
) -> dict[str, dict[str, Any]]:
    """Return for each queue its backlog, and the rates at which messages came and went.

    `metrics` holds one arm. Depth and age are those that the publishers told last before the end of the fault and of
    the hold, and the greatest from the fault on. `drained_s` counts from the end of the fault to when next to nothing
    was left, None when it never was. `refused_share` is of what was offered in the second half of the fault.
    `capacity_rps` is what the consumers' slots can do in each phase, and `down_s` how long one of them was dead in the
    fault.
    """
    depths, ages = _gauge(metrics, DEPTH), _gauge(metrics, OLDEST)
    return {
        queue: {
            "depth": _at_ends(depths[queue], windows),
            "oldest_s": _at_ends(ages.get(queue, depths[queue].clear()), windows),
            "drained_s": _drained_s(depths[queue], windows),
            **_rates(metrics, windows, queue),
            "capacity_rps": _capacity_rps(metrics, windows, queue),
            "down_s": sum(end_s - start_s for start_s, end_s in downs(metrics, manifest, arm, queue)),
        }
        for queue in sorted(depths)
    }


def downs(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str, queue: str) -> list[tuple[float, float]]:
    """Return when consumers of a queue were killed and when they were back, in order."""
    consumers = _consumers(metrics, queue)
    killed = [
        (fault["start_s"], fault["end_s"])
        for fault in manifest["faults"]
        if fault["arm"] == arm and fault["kind"] == "kill" and fault.get("at") in consumers
    ]
    return sorted((start_s, end_s) for start_s, end_s in killed if end_s is not None)


def backlog(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return arm, queue, t_s, depth and oldest_s as they were told, of all arms."""
    key = ["arm", "queue", "t_s"]
    depth, oldest = (
        select(metrics, name)
        .with_columns(label_value("queue").alias("queue"))
        .group_by(key)
        .agg(pl.col("value").max().alias(column))
        for name, column in ((DEPTH, "depth"), (OLDEST, "oldest_s"))
    )
    return depth.join(oldest, on=key, how="left").sort(key)


def by_slice(told: pl.DataFrame, bucket_s: float) -> pl.DataFrame:
    """Return a backlog by slices of time, the last that was told in each; a slice missed by a scrape is as before."""
    key, measures = ["arm", "queue"], ["depth", "oldest_s"]
    number = (pl.col("t_s") / bucket_s).floor().cast(pl.Int64).alias("slice")
    found = told.sort("t_s").group_by(*key, number).agg(pl.col(measures).last())
    every = pl.int_range(pl.col("slice").min(), pl.col("slice").max() + 1).alias("slice")
    whole = found.group_by(key).agg(every).explode("slice").join(found, on=[*key, "slice"], how="left")
    filled = pl.col(measures).forward_fill(limit=MISSED_SLICES_MAX).over(key)
    return whole.sort(*key, "slice").select(*key, (pl.col("slice") * bucket_s).alias("t_s"), filled)


def _gauge(metrics: pl.DataFrame, name: str) -> dict[str, pl.DataFrame]:
    """Return t_s and value by queue; every process that publishes tells the same, some a moment later."""
    told = select(metrics, name).with_columns(label_value("queue").alias("queue"))
    found = told.group_by("queue", "t_s").agg(pl.col("value").max()).sort("t_s")
    names = found.get_column("queue").drop_nulls().unique().sort()
    return {queue: found.filter(pl.col("queue") == queue) for queue in names}


def _at_ends(gauge: pl.DataFrame, windows: Mapping[str, Window]) -> dict[str, float | None]:
    since = gauge.filter(pl.col("t_s").is_between(windows["fault"][0], windows["hold"][1]))
    greatest = since.get_column("value").max()
    return {
        "fault_end": _at(gauge, windows["fault"][1]),
        "hold_end": _at(gauge, windows["hold"][1]),
        "max": float(greatest) if isinstance(greatest, int | float) else None,
    }


def _at(gauge: pl.DataFrame, at_s: float) -> float | None:
    """Return a gauge as it was told last: what comes after the end of a fault is its effect no more."""
    before = gauge.filter(pl.col("t_s") <= at_s).get_column("value").tail(1)
    return None if before.is_empty() else float(before.item())


def _drained_s(depth: pl.DataFrame, windows: Mapping[str, Window]) -> float | None:
    fault_end_s, end_s = windows["hold"]
    backlog_then = _at(depth, fault_end_s)
    if backlog_then is None:
        return None
    baseline = depth.filter(pl.col("t_s").is_between(*windows["baseline"])).get_column("value").max()
    usual = float(baseline) if isinstance(baseline, int | float) else 0.0
    little = max(GONE_MESSAGES, GONE_SHARE * backlog_then, usual)
    if backlog_then <= little:
        return 0.0
    gone = depth.filter(pl.col("t_s").is_between(fault_end_s, end_s) & (pl.col("value") <= little))
    return None if gone.is_empty() else float(gone.row(0, named=True)["t_s"]) - fault_end_s


def _rates(metrics: pl.DataFrame, windows: Mapping[str, Window], queue: str) -> dict[str, Any]:
    mine = metrics.filter(pl.col("labels").str.contains(f'queue="{queue}"', literal=True))
    published = _by_phase(mine, "messages_published_total", "result", windows)
    processed = _by_phase(mine, "messages_processed_total", "result", windows)
    start_s, end_s = windows["fault"]
    settled = _grew(mine, "messages_published_total", "result", (start_s + end_s) / 2, end_s)
    whole = _grew(mine, "messages_delivered_total", "redelivered", 0.0, windows["hold"][1])
    asked = sum(settled.values())
    nothing = dict.fromkeys(MEASURED, 0.0)
    return {
        "published_rps": {name: published.get(name, nothing) for name in ("accepted", "refused", "failed")},
        "applied_rps": processed.get("applied", nothing),
        "refused_share": settled.get("refused", 0.0) / asked if asked else None,
        "delivered": sum(whole.values()),
        "redelivered": whole.get("true", 0.0),
    }


def _by_phase(
    metrics: pl.DataFrame, name: str, label: str, windows: Mapping[str, Window]
) -> dict[str, dict[str, float]]:
    rates: dict[str, dict[str, float]] = {}
    for phase in MEASURED:
        start_s, end_s = windows[phase]
        for value, count in _grew(metrics, name, label, start_s, end_s).items():
            rates.setdefault(value, {})[phase] = count / (end_s - start_s)
    return rates


def _grew(metrics: pl.DataFrame, name: str, label: str, start_s: float, end_s: float) -> dict[str, float]:
    return increase_by(metrics, name, label_value(label), start_s=start_s, end_s=end_s)


def _consumers(metrics: pl.DataFrame, queue: str) -> set[str]:
    told = select(metrics, "messages_delivered_total", {"queue": queue})
    return set(told.get_column("process").unique())


def _capacity_rps(metrics: pl.DataFrame, windows: Mapping[str, Window], queue: str) -> dict[str, float | None]:
    theirs = metrics.filter(pl.col("process").is_in(sorted(_consumers(metrics, queue))))
    found = {phase: capacities_rps(theirs, windows[phase]) for phase in MEASURED}
    return {phase: sum(by_service.values()) if by_service else None for phase, by_service in found.items()}
