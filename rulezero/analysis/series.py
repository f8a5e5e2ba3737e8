"""What each arm did in each slice of time: the frames that charts are drawn from.

Pure functions over the tables of a record. `t_s` is the start of a slice of `bucket_s` seconds, counted from the start
of the arm's load; rates are per second. Counters are read as Prometheus reads them: what a series grew by between two
samples, a fall meaning that its process began again from 0.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from rulezero.analysis.counters import label_value, select
from rulezero.analysis.figures import offered
from rulezero.outcome import Outcome

FAILING = ("late", *(outcome.value for outcome in Outcome if outcome is not Outcome.OK))


def requests_per_second(rows: pl.DataFrame, manifest: Mapping[str, Any], *, bucket_s: float = 1.0) -> pl.DataFrame:
    """Return arm, t_s, offered, good and one rate for each of `FAILING`; slices without requests are there as zeros.

    `late` is a correct answer after its deadline, so that good and the failing rates add up to offered.
    """
    late = (pl.col("outcome") == Outcome.OK) & ~pl.col("good")
    became = pl.when(late).then(pl.lit("late")).otherwise(pl.col("outcome"))
    counted = (
        offered(rows, manifest)
        .with_columns(_slice("intended_s", bucket_s), became.alias("became"))
        .group_by("arm", "t_s")
        .agg(
            pl.len().alias("offered"),
            pl.col("good").sum(),
            *((pl.col("became") == name).sum().alias(name) for name in FAILING),
        )
    )
    rates = pl.col("offered", "good", *FAILING).fill_null(0) / bucket_s
    return _without_gaps(counted, bucket_s).with_columns(rates)


def latency_per_second(rows: pl.DataFrame, manifest: Mapping[str, Any], *, bucket_s: float = 1.0) -> pl.DataFrame:
    """Return arm, t_s, p50_ms and p99_ms of the good answers; null where there are none."""
    quantiles = (
        offered(rows, manifest)
        .with_columns(_slice("intended_s", bucket_s))
        .group_by("arm", "t_s")
        .agg(
            pl.col("latency_ms").filter("good").quantile(0.5, "linear").alias("p50_ms"),
            pl.col("latency_ms").filter("good").quantile(0.99, "linear").alias("p99_ms"),
        )
    )
    return _without_gaps(quantiles, bucket_s)


def attempts_per_request(
    rows: pl.DataFrame, metrics: pl.DataFrame, manifest: Mapping[str, Any], *, bucket_s: float = 1.0
) -> pl.DataFrame:
    """Return arm, t_s, link, per_request: attempts on a link by offered requests of the routes that cross it.

    Null where such a request was not offered. Links that no route is meant to cross are left out.
    """
    crossings = pl.DataFrame(
        [(stream["route"], link) for stream in manifest["streams"] for link in stream["crosses"]],
        schema={"route": pl.String, "link": pl.String},
        orient="row",
    )
    asked = (
        offered(rows, manifest)
        .with_columns(_slice("intended_s", bucket_s))
        .join(crossings.unique(), on="route")
        .group_by("arm", "link", "t_s")
        .len("requests")
    )
    attempts = increases_per_second(metrics, "dependency_attempts_total", ("link",), bucket_s=bucket_s)
    per_request = (pl.col("rate").fill_null(0.0) * bucket_s / pl.col("requests")).alias("per_request")
    return asked.join(attempts, on=["arm", "link", "t_s"], how="left").select("arm", "t_s", "link", per_request)


def decisions_per_second(metrics: pl.DataFrame, *, bucket_s: float = 1.0) -> pl.DataFrame:
    """Return arm, t_s, defence, decision, rate over all processes; slices without a decision are left out."""
    return increases_per_second(metrics, "defence_decisions_total", ("defence", "decision"), bucket_s=bucket_s).filter(
        pl.col("rate") > 0
    )


def origin_loads_per_second(metrics: pl.DataFrame, *, bucket_s: float = 1.0) -> pl.DataFrame:
    """Return arm, t_s, rate of the loads of missing cache entries over all processes."""
    return increases_per_second(metrics, "cache_loads_total", (), bucket_s=bucket_s)


def breaker_states(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return arm, process, dependency, state, start_s, end_s: the stretches in which each breaker was seen in a state.

    A stretch ends with the next sample that differs, the last one with the arm's last sample. States are those of the
    gauge: 0 closed, 1 half-open, 2 open.
    """
    breaker = ["arm", "process", "dependency"]
    samples = (
        select(metrics, "circuit_breaker_state")
        .with_columns(label_value("dependency").alias("dependency"))
        .sort(*breaker, "t_s")
    )
    changed = pl.col("value").ne_missing(pl.col("value").shift(1).over(breaker))
    ends = samples.group_by("arm").agg(pl.col("t_s").max().alias("last_s"))
    return (
        samples.filter(changed)
        .with_columns(pl.col("t_s").shift(-1).over(breaker).alias("end_s"))
        .join(ends, on="arm")
        .select(
            *breaker,
            pl.col("value").cast(pl.Int64).alias("state"),
            pl.col("t_s").alias("start_s"),
            pl.col("end_s").fill_null(pl.col("last_s")),
        )
        .sort(*breaker, "start_s")
    )


def increases_per_second(
    metrics: pl.DataFrame, name: str, labels: tuple[str, ...], *, bucket_s: float = 1.0
) -> pl.DataFrame:
    """Return arm, t_s, the labels, and `rate`: what a counter grew by each second, summed over processes.

    What a series grew by between two samples belongs to the slice in the middle of them. The first sample of a series
    grew from 0 at the start of the load, or at the sample of its process before it.
    """
    series = ["arm", "process", "labels"]
    scrapes = metrics.select("arm", "process", "t_s").unique().sort("arm", "process", "t_s")
    scrapes = scrapes.with_columns(pl.col("t_s").shift(1, fill_value=0.0).over("arm", "process").alias("before_s"))
    previous = pl.col("value").shift(1, fill_value=0.0).over(series)
    grew = pl.when(pl.col("value") < previous).then(pl.col("value")).otherwise(pl.col("value") - previous)
    middle = (pl.col("t_s") + pl.col("before_s")) / 2
    return (
        select(metrics, name)
        .join(scrapes, on=["arm", "process", "t_s"])
        .sort(*series, "t_s")
        .with_columns(grew.alias("grew"), *(label_value(label).alias(label) for label in labels))
        .with_columns(((middle / bucket_s).floor() * bucket_s).alias("t_s"))
        .group_by("arm", "t_s", *labels)
        .agg((pl.col("grew").sum() / bucket_s).alias("rate"))
        .sort("arm", *labels, "t_s")
    )


def _slice(column: str, bucket_s: float) -> pl.Expr:
    return ((pl.col(column) / bucket_s).floor() * bucket_s).alias("t_s")


def _without_gaps(frame: pl.DataFrame, bucket_s: float) -> pl.DataFrame:
    """Add the slices, from 0 to the arm's last, in which nothing was asked."""
    last = pl.col("t_s").max() / bucket_s
    slices = (
        frame.group_by("arm")
        .agg(pl.int_range(0, last.round().cast(pl.Int64) + 1).alias("t_s"))
        .explode("t_s")
        .with_columns(pl.col("t_s") * bucket_s)
    )
    return slices.join(frame, on=["arm", "t_s"], how="left").sort("arm", "t_s")
