"""Whether a run may be believed. Each check states what was measured and the limit it was held against."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from rulezero.analysis.counters import increase, label_value, select
from rulezero.analysis.figures import offered, windows_of
from rulezero.analysis.left_traces import proofs
from rulezero.experiment import Experiment
from rulezero.faults import CacheExpiry, CacheFlush, Kill, Signature, Statement, Toxic, Trace

GENERATOR = "locust"
SHORTFALL_MAX = 0.02
SEND_LAG_P99_MS_MAX = 50.0
BURST_SPREAD_MS_MAX = 1500.0
CORES_BUSY_SHARE_MAX = 0.75
PEAK_SAMPLES = 3  # of one second each
PEAK_SHARE_MAX = 0.9
FAULT_LATE_S_MAX = 0.25
BACK_WITHIN_S = 2.0  # Of a part that is started again: until it is ready.
PROCESS_CORES_MAX = 0.8
LOOP_LAG_P95_MS_MAX = 100.0
SCRAPES_SHARE_MIN = 0.9
SETTLE_AFTER_BURST_S = 3.0
BASELINE_GOOD_MIN = 0.95
INSTANT_SHOWS_WITHIN_S = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Validity:
    """One check of one arm; `measured` is None, and `ok` false, where there is nothing to measure."""

    name: str
    arm: str
    measured: float | None
    limit: float
    ok: bool
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What one arm's record holds: frames of this arm alone."""

    arm: str
    rows: pl.DataFrame
    metrics: pl.DataFrame
    spans: pl.DataFrame
    generator: pl.DataFrame


def examine(experiment: Experiment, observed: Observed, manifest: Mapping[str, Any]) -> Iterator[Validity]:
    """Yield the checks of one arm."""
    arm, rows, metrics = observed.arm, observed.rows, observed.metrics
    yield _shortfall(rows, observed.generator, arm)
    yield from _send_lag(rows, manifest, arm)
    if arm == manifest["control"]:  # What a defence loses before the fault is no defect of the run but harm.
        yield _healthy_baseline(rows, manifest, arm)
    yield _cores(metrics, manifest, arm)
    yield _peak(metrics, manifest, arm)
    yield _busiest(metrics, manifest, arm)
    if experiment.event_loops:
        yield _loop_lag(metrics, manifest, arm)
    yield _scrapes(experiment, metrics, manifest, arm)
    yield _spans(experiment, observed.spans, arm)
    yield from _on_time(experiment, manifest, arm)
    for fault in experiment.faults:
        if isinstance(fault, CacheExpiry | CacheFlush):
            yield _instants_proof(fault, metrics, manifest, arm)
        elif isinstance(fault.signature, Trace):
            for name, count, text in proofs(fault, rows, metrics, manifest):
                yield _at_least(name, arm, count, 1, text)
        else:
            yield _proof(fault.signature, fault.text, metrics, manifest, arm)


def _spans(experiment: Experiment, spans: pl.DataFrame, arm: str) -> Validity:
    """Ask for one span of the services: the generator's own arrive also where a container cannot reach the runner."""
    if experiment.own is not None:
        return _at_least("spans", arm, spans.height, 1, f"{spans.height} spans were received")
    count = spans.filter(pl.col("service") != GENERATOR).height
    return _at_least("spans", arm, count, 1, f"{count} spans of services were received")


def _shortfall(rows: pl.DataFrame, generator: pl.DataFrame, arm: str) -> Validity:
    scheduled = generator.select(pl.col("scheduled").cast(pl.Float64)).to_series().sort().tail(1).to_list()
    sent = rows.filter((pl.col("outcome") != "not_sent") & (pl.col("kind") != "closed")).height
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


def _healthy_baseline(rows: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    """Ask for a baseline worth comparing with: an arm that is broken before the fault keeps all of nothing."""
    baseline = offered(rows, manifest).filter(pl.col("phase") == "baseline")
    share = baseline.get_column("good").mean()
    measured = float(share) if isinstance(share, float) else math.inf
    text = f"{measured:.1%} of the requests were good before the fault"
    return _at_least("healthy_baseline", arm, measured, BASELINE_GOOD_MIN, text)


def _cores(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    start_s, end_s = windows_of(manifest)["baseline"][0], windows_of(manifest)["hold"][1]
    busy = select(metrics, "machine_cores_busy").filter(pl.col("t_s").is_between(start_s, end_s))
    cores = manifest["host"]["cores"]
    mean = busy.get_column("value").mean()
    measured = float(mean) if isinstance(mean, float) else math.inf
    text = f"{measured:.2f} of {cores} cores were busy"
    return _at_most("cores_busy", arm, measured, CORES_BUSY_SHARE_MAX * cores, text)


def _peak(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    """Look at the worst few seconds too: a mean over the arm hides a machine that was at its end in the middle."""
    start_s, end_s = windows_of(manifest)["baseline"][0], windows_of(manifest)["hold"][1]
    busy = select(metrics, "machine_cores_busy").filter(pl.col("t_s").is_between(start_s, end_s)).sort("t_s")
    cores = manifest["host"]["cores"]
    worst = busy.get_column("value").rolling_mean(PEAK_SAMPLES).max()
    measured = float(worst) if isinstance(worst, float) else math.inf
    text = f"{measured:.2f} of {cores} cores were busy in the worst {PEAK_SAMPLES} seconds"
    return _at_most("cores_busy_peak", arm, measured, PEAK_SHARE_MAX * cores, text)


def _busiest(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    """Look for one process, the proxy and the generator included, that is at the end of its one core."""
    start_s, end_s = windows_of(manifest)["baseline"][0], windows_of(manifest)["hold"][1]
    cores = select(metrics, "machine_process_cores").filter(pl.col("t_s").is_between(start_s, end_s))
    by_part = cores.group_by(label_value("part").alias("part")).agg(pl.col("value").mean())
    part, busy = next(by_part.sort("value", descending=True).iter_rows(), ("nothing", math.inf))
    return _at_most("busiest_process", arm, busy, PROCESS_CORES_MAX, f"{part} used {busy:.2f} cores")


def _loop_lag(metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    start_s = windows_of(manifest)["baseline"][0]
    lag = select(metrics, "event_loop_lag_seconds").filter((pl.col("t_s") >= start_s) & ~_near_burst(manifest, "t_s"))
    by_process = lag.group_by("process").agg(pl.col("value").quantile(0.95, "linear")).sort("value", descending=True)
    worst, lag_s = next(by_process.iter_rows(), ("nothing", math.inf))
    lag_ms = lag_s * 1000
    text = f"in 5 % of its seconds the event loop of {worst} was over {lag_ms:.0f} ms late"
    return _at_most("event_loop_lag_ms_p95", arm, lag_ms, LOOP_LAG_P95_MS_MAX, text)


def _scrapes(experiment: Experiment, metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str) -> Validity:
    """Look for a process that told less than it should; one that was killed cannot while it is dead."""
    length_s = windows_of(manifest)["hold"][1]
    during = (pl.col("process") != "machine") & pl.col("t_s").is_between(0, length_s)
    scrapes = metrics.filter(during).group_by("process").agg(pl.col("t_s").n_unique())
    counts = dict(scrapes.iter_rows())
    alive_s = {process: length_s - _dead_s(experiment, process) for process in manifest["processes"]}
    shares = {process: counts.get(process, 0) / alive_s[process] for process in alive_s}
    worst = min(shares, key=lambda process: shares[process], default="no process")
    measured = shares.get(worst, 0.0)
    return Validity(
        name="scrapes",
        arm=arm,
        measured=measured,
        limit=SCRAPES_SHARE_MIN,
        ok=measured >= SCRAPES_SHARE_MIN,
        text=f"{worst} was scraped {counts.get(worst, 0)} times in {alive_s.get(worst, length_s):.0f} s",
    )


def _on_time(experiment: Experiment, manifest: Mapping[str, Any], arm: str) -> Iterator[Validity]:
    """Look at when lasting faults came and went: one that is late or stays is another fault than the one predicted."""
    fault_s, fault_end_s = windows_of(manifest)["fault"]
    for fault in experiment.faults:
        if not isinstance(fault, Toxic | Statement | Kill):
            continue
        at_s, for_s = (0.0, None) if isinstance(fault, Statement) else (fault.at_s, fault.for_s)
        due = fault_s + at_s, fault_end_s if for_s is None else fault_s + at_s + for_s
        noted = (_ends(one) for one in manifest["faults"] if one["arm"] == arm and one["text"] == fault.text)
        # A link that flaps has the same fault several times.
        nearest = min(noted, key=lambda ends: abs(ends[0] - due[0]), default=(math.inf, math.inf))
        late_s = _late_s(fault, nearest, due)
        yield _at_most("fault_on_time", arm, late_s, FAULT_LATE_S_MAX, f"{fault.text}: up to {late_s:.2f} s off")


def _late_s(fault: Toxic | Statement | Kill, was: tuple[float, float], due: tuple[float, float]) -> float:
    """Return how far a fault was off at its worse end; a part that was started again may take a while to be ready."""
    off_s = [was_s - due_s for was_s, due_s in zip(was, due, strict=True)]
    if isinstance(fault, Kill) and 0 <= off_s[1] <= BACK_WITHIN_S:
        return abs(off_s[0])
    return max(abs(one) for one in off_s)


def _dead_s(experiment: Experiment, process: str) -> float:
    """Return how long a process may have been dead by the experiment's will."""
    kills = (fault for fault in experiment.faults if isinstance(fault, Kill) and fault.part == process)
    return sum(kill.for_s + BACK_WITHIN_S for kill in kills)


def _ends(noted: Mapping[str, Any]) -> tuple[float, float]:
    """Return when a fault came and went; one that never went is off by everything."""
    return noted["start_s"], math.inf if noted["end_s"] is None else noted["end_s"]


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
        text = f"{fault}: {signature.metric} grew by {grew['fault']:g}"
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


def _instants_proof(
    fault: CacheExpiry | CacheFlush, metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: str
) -> Validity:
    """Look at each instant by itself: a burst of loads at another time would otherwise stand for it.

    With a lead their times overlap; so that one does not stand for its neighbour, all together must suffice for all.
    """
    signature = fault.signature
    kind, due, lead_s = (
        ("expiry", len(fault.at_s), fault.lead_s) if isinstance(fault, CacheExpiry) else ("flush", 1, 0.0)
    )
    at_s = [one["start_s"] for one in manifest["faults"] if one["arm"] == arm and one["kind"] == kind]
    least = 0.0
    if at_s and len(at_s) == due:
        # Who renews an entry before its end shows the fault before its instant.
        shows = [(one - lead_s, one + INSTANT_SHOWS_WITHIN_S) for one in at_s]
        whole = (min(start_s for start_s, _ in shows), max(end_s for _, end_s in shows))
        *grew, in_all = (
            increase(metrics, signature.metric, labels=signature.labels, start_s=start_s, end_s=end_s, sudden=True)
            for start_s, end_s in (*shows, whole)
        )
        least = min(*grew, in_all / due)
    text = f"{fault.text}: {signature.metric} grew by {least:g} or more after each"
    return _at_least("fault_proof", arm, least, signature.increase_min or 1, text)


def _near_burst(manifest: Mapping[str, Any], column: str) -> pl.Expr:
    """Select the seconds when a thousand requests at once make everything late by design.

    They come at the burst, and again when all those still unanswered give up together.
    """
    start_s = windows_of(manifest)["fault"][0]
    near = pl.lit(value=False)
    for burst in manifest["bursts"]:
        for at_s in (start_s + burst["at_s"], start_s + burst["at_s"] + burst["deadline_s"]):
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
