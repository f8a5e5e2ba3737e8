"""A record of as many requests as asked for, with metrics and spans as many as a real run leaves beside them.

Drawn from a seed, with the schema of a real record: every arm has a baseline, a fault in which requests hang, and a
hold. The metrics are those of the shop's processes, once a second, with the numbers of series that a real run has.
"""

from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from rulezero.record import TABLES, write_json

RATE_RPS = 150.0
ARMS = ("none", "naive", "timeout", "circuit_breaker", "bulkhead", "deadline", "all")
PROCESSES = ("edge", "catalog-1", "catalog-2", "checkout", "payment")
SPANS_PER_ROW = 0.7
# Of a real run's series per process, by metric: most are the buckets of histograms, which the analysis never reads.
SERIES = {
    "http_client_request_duration_seconds_bucket": 170,
    "http_server_request_duration_seconds_bucket": 26,
    "dependency_outcomes_total": 14,
    "dependency_attempts_total": 6,
    "defence_enabled": 8,
    "python_gc_collections_total": 9,
    "process_cpu_seconds_total": 30,
    "defence_decisions_total": 6,
    "circuit_breaker_state": 1,
    "cache_loads_total": 1,
    "event_loop_lag_seconds": 1,
}
_SHARES = {"warmup": 0.1, "baseline": 0.25, "fault": 0.3, "hold": 0.35}


def write_record(folder: Path, *, rows: int, seed: int) -> None:
    """Write a record that `rulezero report` takes for a run of cascading_failure."""
    length_s = rows / len(ARMS) / RATE_RPS
    windows, start_s = [], 0.0
    for name, share in _SHARES.items():
        windows.append((name, start_s, start_s + share * length_s))
        start_s += share * length_s
    folder.mkdir(parents=True)
    write_json(folder / "manifest.json", _manifest(windows, seed))
    drawn = [_requests(arm, rows // len(ARMS), windows, Random(f"{seed}:{arm}")) for arm in ARMS]
    requests = pl.concat(drawn)
    requests.write_parquet(folder / "rows.parquet")
    _spans(requests).write_parquet(folder / "spans.parquet")
    pl.concat([_metrics(arm, length_s) for arm in ARMS]).write_parquet(folder / "metrics.parquet")
    pl.concat([_generator(arm, length_s) for arm in ARMS]).write_parquet(folder / "generator.parquet")


def _requests(arm: str, count: int, windows: list[tuple[str, float, float]], random: Random) -> pl.DataFrame:
    dice = pl.DataFrame({name: [random.random() for _ in range(count)] for name in ("gap", "route", "speed", "luck")})
    phase = pl.lit(windows[-1][0])
    for name, _, end_s in reversed(windows[:-1]):
        phase = pl.when(pl.col("intended_s") < end_s).then(pl.lit(name)).otherwise(phase)
    in_fault = pl.col("intended_s").is_between(windows[2][1], windows[2][2])
    hangs = in_fault & (pl.col("luck") < (0.9 if arm == "none" else 0.2))
    return (
        dice.with_columns((-(1 - pl.col("gap")).log()).cum_sum().alias("intended_s"))
        .with_columns(pl.col("intended_s") / pl.col("intended_s").max() * windows[-1][2])
        .with_columns(hangs.alias("hangs"))
        .select(
            pl.lit(arm).alias("arm"),
            "intended_s",
            (pl.col("intended_s") + 0.001).alias("sent_s"),
            pl.when("hangs").then(2000.0).otherwise(30 - 40 * (1 - pl.col("speed")).log()).alias("latency_ms"),
            pl.when(pl.col("route") < 0.6).then(pl.lit("browse")).otherwise(pl.lit("checkout")).alias("route"),
            (pl.col("speed") * 1000).cast(pl.Int64).alias("key"),
            pl.lit("normal").alias("priority"),
            phase.alias("phase"),
            pl.when("hangs").then(pl.lit("timeout")).otherwise(pl.lit("ok")).alias("outcome"),
            pl.when("hangs").then(504).otherwise(200).cast(pl.Int64).alias("status"),
            pl.lit(1, dtype=pl.Int64).alias("attempts"),
            pl.lit("").alias("operation_id"),
            pl.when(pl.col("luck") < SPANS_PER_ROW / 3)
            .then(pl.concat_str(pl.lit(f"{arm:0>16}"), pl.int_range(count).cast(pl.String).str.zfill(16)))
            .otherwise(pl.lit(""))
            .alias("trace_id"),
            pl.lit("stream").alias("kind"),
        )
    )


def _spans(requests: pl.DataFrame) -> pl.DataFrame:
    """Return three spans for each traced request, one below the other."""
    traced = requests.filter(pl.col("trace_id") != "")
    attributes = '{"server.address":"payment","rulezero.link":"checkout-payment"}'
    return pl.concat(
        traced.select(
            "arm",
            "trace_id",
            pl.concat_str(pl.lit(f"{depth:08x}"), pl.col("trace_id").str.slice(24)).alias("span_id"),
            (
                pl.concat_str(pl.lit(f"{depth - 1:08x}"), pl.col("trace_id").str.slice(24)) if depth else pl.lit("")
            ).alias("parent_id"),
            pl.lit(service).alias("service"),
            pl.col("route").alias("name"),
            pl.lit("server").alias("kind"),
            (pl.col("sent_s") + 0.001 * depth).alias("start_s"),
            (pl.col("latency_ms") * 0.8**depth).alias("duration_ms"),
            pl.lit("unset").alias("status"),
            pl.lit(attributes).alias("attributes"),
        )
        for depth, service in enumerate(("locust", "edge", "checkout"))
    )


def _metrics(arm: str, length_s: float) -> pl.DataFrame:
    series = pl.DataFrame(
        [(process, name, _labels(name, number)) for process in PROCESSES for name, count in SERIES.items()
         for number in range(count)]
        + [("machine", "machine_cores_busy", ""), ("machine", "machine_process_cores", 'part="edge"')],
        schema=["process", "name", "labels"], orient="row",
    )  # fmt: skip
    steady = {"event_loop_lag_seconds": 0.002, "machine_cores_busy": 0.8, "machine_process_cores": 0.3}
    gauge = pl.col("name").replace_strict(steady, default=None, return_dtype=pl.Float64)
    state = pl.when(pl.col("name") == "circuit_breaker_state").then((pl.col("t_s") // 60) % 3)
    value = pl.coalesce(gauge, state, pl.col("t_s") * (10 + pl.col("labels").str.len_chars()))
    seconds = pl.DataFrame({"t_s": [0.2 + second for second in range(int(length_s))]})
    # One second after the other, as a run writes them.
    return seconds.join(series, how="cross").select(
        pl.lit(arm).alias("arm"), "t_s", "process", "name", "labels", value.alias("value")
    )


def _labels(name: str, number: int) -> str:
    links = ("edge-catalog-1", "edge-checkout", "checkout-payment")
    if name == "defence_decisions_total":
        defence, decision = (
            ("circuit_breaker", "bulkhead", "timeout")[number % 3],
            ("rejected", "timed_out")[number // 3],
        )
        return f'family="call",defence="{defence}",decision="{decision}",dependency="payment"'
    if name == "circuit_breaker_state":
        return 'dependency="payment"'
    return f'dependency="payment",link="{links[number % 3]}",number="{number}"'


def _generator(arm: str, length_s: float) -> pl.DataFrame:
    seconds = range(1, int(length_s) + 1)
    sent = [int(second * RATE_RPS) for second in seconds]
    zero = [0] * len(sent)
    columns: dict[str, Any] = {
        "arm": [arm] * len(sent), "t_s": [float(second) for second in seconds], "scheduled": sent, "sent": sent,
        "dropped": zero, "in_flight": [5] * len(sent), "send_lag_max_ms": [2.0] * len(sent),
        "cpu_s": [0.2 * second for second in seconds],
    }  # fmt: skip
    return pl.DataFrame(columns, schema={"arm": pl.String, **TABLES["generator"][1]})


def _manifest(windows: list[tuple[str, float, float]], seed: int) -> dict[str, Any]:
    fault = {"text": "payment hangs", "kind": "toxic", "start_s": windows[2][1], "end_s": windows[2][2]}
    return {
        "rulezero": "0.1.0", "experiment": "cascading_failure", "seed": seed, "control": "none", "interrupted": False,
        "question": "How long does a record of this size take?", "prediction": "Under 15 s and 1 GB.",
        "started_at": "2026-01-01T00:00:00+00:00", "windows": windows,
        "streams": [
            {"route": "browse", "rate_rps": 0.6 * RATE_RPS, "deadline_s": 1.0, "keys": {}, "crosses": ["edge-catalog"]},
            {"route": "checkout", "rate_rps": 0.4 * RATE_RPS, "deadline_s": 1.0, "keys": {},
             "crosses": ["edge-checkout", "checkout-payment"]},
        ],
        "bursts": [], "services": {}, "faults": [{**fault, "arm": arm} for arm in ARMS],
        "arms": [{"name": arm, "defences": [] if arm == "none" else [arm], "ledger": {}} for arm in ARMS],
        "processes": list(PROCESSES), "exits": [], "host": {"cores": 2, "python": "3", "platform": "linux"},
        "versions": {}, "reproduce": "python -m benchmarks record",
    }  # fmt: skip
