"""Whether a run may be believed. Each check states what was measured and the limit it was held against."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from rulezero.analysis.counters import increase, select
from rulezero.analysis.figures import windows_of
from rulezero.experiment import Experiment
from rulezero.faults import Signature

SHORTFALL_MAX = 0.02
SEND_LAG_P99_MS_MAX = 50.0
BURST_SPREAD_MS_MAX = 1500.0
CORES_BUSY_SHARE_MAX = 0.75
LOOP_LAG_P95_MS_MAX = 100.0
SCRAPES_SHARE_MIN = 0.9
SETTLE_AFTER_BURST_S = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Validity:
    """One check of one arm; `measured` is None, and `ok` false, where there is nothing to measure."""

    name: str
    arm: str
    measured: float | None
    limit: float
    ok: bool
    text: str


def examine(
    experiment: Experiment,
    rows: pl.DataFrame,
    metrics: pl.DataFrame,
    generator: pl.DataFrame,
    manifest: Mapping[str, Any],
    arm: str,
) -> Iterator[Validity]:
    """Yield the checks of one arm; the frames hold this arm alone."""
    yield _shortfall(rows, generator, arm)
    yield from _send_lag(rows, manifest, arm)
    yield _cores(metrics, manifest, arm)
    yield _loop_lag(metrics, manifest, arm)
    yield _scrapes(metrics, manifest, arm)
    for fault in experiment.faults:
        yield _proof(fault.signature, fault.text, metrics, manifest, arm)


def _shortfall(rows: pl.DataFrame, generator: pl.DataFrame, arm: str) -> Validity:
    scheduled = generator.select(pl.col("scheduled").cast(pl.Float64)).to_series().sort().tail(1).to_list()
    sent = rows.filter(pl.col("outcome") != "not_sent").height
    measured = max(0.0, 1 - sent / scheduled[0]) if scheduled and scheduled[0] else 1.0
    return _at_most(
        "generator_shortfall", arm, measured, SHORTFALL_MAX, f"{measured:.1%} of the arrivals were not sent"
    )


def _send_lag(rows: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Iterator[Validity]:
    sent = rows.filter(pl.col("outcome") != "not_sent").with_columns(
        ((pl.col("sent_s") - pl.col("intended_s")) * 1000).alias("lag_ms")
    )
    calm = sent.filter((pl.col("kind") == "stream") & ~_near_burst(manifest, "intended_s"))
    lag_ms = _quantile(calm, "lag_ms", 0.99)
    yield _at_most(
        "send_lag_ms_p99", arm, lag_ms, SEND_LAG_P99_MS_MAX, f"1 % of the requests were sent over {lag_ms:.0f} ms late"
    )
    burst = sent.filter(pl.col("kind") == "burst")
    if manifest["bursts"]:
        spread_ms = _quantile(burst, "lag_ms", 0.99)
        text = f"the burst took {spread_ms:.0f} ms to send"
        yield _at_most("burst_spread_ms_p99", arm, spread_ms, BURST_SPREAD_MS_MAX, text)


def _cores(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    start_s, end_s = windows_of(manifest)["baseline"][0], windows_of(manifest)["hold"][1]
    busy = select(metrics, "machine_cores_busy").filter(pl.col("t_s").is_between(start_s, end_s))
    cores = manifest["host"]["cores"]
    mean = busy.get_column("value").mean()
    measured = float(mean) if isinstance(mean, float) else math.inf
    text = f"{measured:.2f} of {cores} cores were busy"
    return _at_most("cores_busy", arm, measured, CORES_BUSY_SHARE_MAX * cores, text)


def _loop_lag(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    start_s = windows_of(manifest)["baseline"][0]
    lag = select(metrics, "event_loop_lag_seconds").filter((pl.col("t_s") >= start_s) & ~_near_burst(manifest, "t_s"))
    lag_ms = _quantile(lag, "value", 0.95) * 1000
    text = f"in 5 % of the seconds a service's event loop was over {lag_ms:.0f} ms late"
    return _at_most("event_loop_lag_ms_p95", arm, lag_ms, LOOP_LAG_P95_MS_MAX, text)


def _scrapes(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    length_s = windows_of(manifest)["hold"][1]
    during = (pl.col("process") != "machine") & pl.col("t_s").is_between(0, length_s)
    scrapes = metrics.filter(during).group_by("process").agg(pl.col("t_s").n_unique())
    counts = dict(scrapes.iter_rows())
    worst = min(manifest["processes"], key=lambda process: counts.get(process, 0), default="no process")
    measured = counts.get(worst, 0) / length_s
    return Validity(
        name="scrapes",
        arm=arm,
        measured=measured,
        limit=SCRAPES_SHARE_MIN,
        ok=measured >= SCRAPES_SHARE_MIN,
        text=f"{worst} was scraped {counts.get(worst, 0)} times in {length_s:.0f} s",
    )


def _proof(signature: Signature, fault: str, metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    windows = windows_of(manifest)
    grew = {
        name: increase(
            metrics, signature.metric, labels=signature.labels, start_s=windows[name][0], end_s=windows[name][1]
        )
        for name in ("baseline", "fault")
    }
    name = "fault_proof"
    if signature.increase_min is not None:
        text = f"{fault}: {signature.metric} grew by {grew['fault']:.0f} in the fault phase"
        return _at_least(name, arm, grew["fault"], signature.increase_min, text)
    lengths_s = {phase: windows[phase][1] - windows[phase][0] for phase in grew}
    if not grew["baseline"]:
        text = f"{fault}: {signature.metric} did not move in the baseline, so the fault cannot be proven"
        return Validity(name=name, arm=arm, measured=0.0, limit=0.0, ok=False, text=text)
    ratio = (grew["fault"] / lengths_s["fault"]) / (grew["baseline"] / lengths_s["baseline"])
    text = f"{fault}: {signature.metric} went to {ratio:.0%} of its baseline rate"
    if signature.ratio_max is not None:
        return _at_most(name, arm, ratio, signature.ratio_max, text)
    return _at_least(name, arm, ratio, signature.ratio_min or 0.0, text)


def _near_burst(manifest: Mapping[str, Any], column: str) -> pl.Expr:
    """Select the seconds after a burst, when a thousand requests at once make everything late by design."""
    start_s = windows_of(manifest)["fault"][0]
    near = pl.lit(value=False)
    for burst in manifest["bursts"]:
        at_s = start_s + burst["at_s"]
        near |= pl.col(column).is_between(at_s, at_s + SETTLE_AFTER_BURST_S)
    return near


def _quantile(frame: pl.DataFrame, column: str, share: float) -> float:
    value = frame.get_column(column).quantile(share, "linear")
    return math.inf if value is None else float(value)


def _at_most(name: str, arm: str, measured: float, limit: float, text: str) -> Validity:
    if not math.isfinite(measured):
        return _unmeasured(name, arm, limit)
    text = f"{text} (limit {limit:g})"
    return Validity(name=name, arm=arm, measured=measured, limit=limit, ok=measured <= limit, text=text)


def _at_least(name: str, arm: str, measured: float, limit: float, text: str) -> Validity:
    if not math.isfinite(measured):
        return _unmeasured(name, arm, limit)
    text = f"{text} (at least {limit:g})"
    return Validity(name=name, arm=arm, measured=measured, limit=limit, ok=measured >= limit, text=text)


def _unmeasured(name: str, arm: str, limit: float) -> Validity:
    text = f"{name} could not be measured: nothing was recorded"
    return Validity(name=name, arm=arm, measured=None, limit=limit, ok=False, text=text)
