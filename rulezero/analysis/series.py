"""What each arm did in each slice of time: the frames that charts are drawn from.

Pure functions over the tables of a record. `t_s` is the start of a slice of `bucket_s` seconds, counted from the start
of the arm's load; rates are per second. Counters are read as Prometheus reads them: what a series grew by between two
samples, a fall meaning that its process began again from 0.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from rulezero.analysis.counters import label_value, link_group, select
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
        _asked(rows, manifest)
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
        _asked(rows, manifest)
        .select("arm", _slice("intended_s", bucket_s), "latency_ms", "good")
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

    Left out are slices without such a request or not wholly scraped, and links that no route is meant to cross.
    """
    crossings = pl.DataFrame(
        [(stream["route"], link) for stream in manifest["streams"] for link in stream["crosses"]],
        schema={"route": pl.String, "link": pl.String},
        orient="row",
    )
    asked = (
        rows.group_by("arm", "route", _slice("intended_s", bucket_s))
        .len("requests")
        .join(crossings.unique(), on="route")
        .group_by("arm", "link", "t_s")
        .agg(pl.col("requests").sum())
    )
    attempts = increases_per_second(
        metrics, "dependency_attempts_total", (link_group().alias("link"),), bucket_s=bucket_s
    )
    per_request = (pl.col("rate").fill_null(0.0) * bucket_s / pl.col("requests")).alias("per_request")
    scraped = metrics.group_by("arm").agg(pl.col("t_s").max().alias("scraped_s"))
    return (
        asked.join(attempts, on=["arm", "link", "t_s"], how="left")
        .join(scraped, on="arm")
        .filter(pl.col("t_s") + bucket_s <= pl.col("scraped_s"))
        .select("arm", "t_s", "link", per_request)
    )


def decisions_per_second(metrics: pl.DataFrame, *, bucket_s: float = 1.0) -> pl.DataFrame:
    """Return arm, t_s, defence, decision, rate over all processes; slices without a decision are left out."""
    groups = tuple(label_value(label).alias(label) for label in ("defence", "decision"))
    decided = increases_per_second(metrics, "defence_decisions_total", groups, bucket_s=bucket_s)
    return decided.filter(pl.col("rate") > 0)


def origin_loads_per_second(metrics: pl.DataFrame, *, bucket_s: float = 1.0) -> pl.DataFrame:
    """Return arm, t_s, rate of the loads of missing cache entries over all processes."""
    return increases_per_second(metrics, "cache_loads_total", bucket_s=bucket_s)


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
    metrics: pl.DataFrame, name: str, groups: tuple[pl.Expr, ...] = (), *, bucket_s: float = 1.0
) -> pl.DataFrame:
    """Return arm, t_s, the named `groups`, and `rate`: what a counter grew by each second, summed over processes.

    What a series grew by between two samples is spread evenly over that time. The first sample of a series grew from
    0 since the sample of its process before it, or since the start of the load.
    """
    by = [group.meta.output_name() for group in groups]
    grown = _grown(metrics, name).with_columns(*groups)
    first, last = (pl.col("before_s") / bucket_s).floor(), (pl.col("t_s") / bucket_s).floor()
    slices = grown.with_columns(pl.int_ranges(first.cast(pl.Int64), last.cast(pl.Int64) + 1).alias("slice"))
    start_s = pl.col("slice") * bucket_s
    overlap_s = pl.min_horizontal("t_s", start_s + bucket_s) - pl.max_horizontal("before_s", start_s)
    return (
        slices.explode("slice", empty_as_null=False)
        .with_columns((pl.col("grew") * overlap_s / (pl.col("t_s") - pl.col("before_s"))).alias("part"))
        .filter(overlap_s > 0)
        .group_by("arm", start_s.alias("t_s"), *by)
        .agg((pl.col("part").sum() / bucket_s).alias("rate"))
        .sort("arm", *by, "t_s")
    )


def _grown(metrics: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the samples of a counter with `grew` since the sample of the same process at `before_s`."""
    series = ["arm", "process", "labels"]
    scrape = ["arm", "process", "t_s"]
    # Samples of one scrape mostly lie together: most repetitions go before the costly `unique`.
    repeated = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in scrape)
    scrapes = metrics.select(scrape).filter(~repeated.fill_null(value=False)).unique().sort(scrape)
    before_s = pl.col("t_s").shift(1, fill_value=0.0).over("arm", "process").clip(lower_bound=0.0)
    previous = pl.col("value").shift(1, fill_value=0.0).over(series)
    grew = pl.when(pl.col("value") < previous).then(pl.col("value")).otherwise(pl.col("value") - previous)
    return (
        select(metrics, name)
        .join(scrapes.with_columns(before_s.alias("before_s")), on=["arm", "process", "t_s"])
        .sort(*series, "t_s")
        .with_columns(grew.alias("grew"))
        .filter(pl.col("t_s") > pl.col("before_s"))
    )


def _asked(rows: pl.DataFrame, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """Return the open-loop rows with `good` and no more than charts need: a record may have millions."""
    return offered(rows.select("arm", "intended_s", "latency_ms", "route", "kind", "outcome"), manifest)


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
