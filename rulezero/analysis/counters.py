"""What counters grew by between two instants."""

import re
from collections.abc import Mapping

import polars as pl


def select(metrics: pl.DataFrame, name: str, labels: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Return the samples of a metric whose labels include all of these."""
    found = metrics.filter(pl.col("name") == name)  # By itself first: it is cheap, and leaves little for the others.
    for label, value in (labels or {}).items():
        found = found.filter(pl.col("labels").str.contains(_pattern(label, re.escape(value))))
    return found


def increase(
    metrics: pl.DataFrame,
    name: str,
    *,
    start_s: float,
    end_s: float,
    labels: Mapping[str, str] | None = None,
    sudden: bool = False,
) -> float:
    """Return how much a counter grew in (start, end], summed over its series and processes.

    `metrics` holds one arm, in which every counter began at 0, or begins anew with a process that was started again.
    Between two samples it is taken to grow evenly; with `sudden`, for what bursts out at `start_s` or `end_s`, at the
    very instant: a sample stands until the next one.
    """
    found = unbroken(select(metrics, name, labels))
    return _total_at(found, end_s, sudden=sudden) - _total_at(found, start_s, sudden=sudden)


def increase_by(
    metrics: pl.DataFrame, name: str, by: pl.Expr, *, start_s: float, end_s: float, sudden: bool = False
) -> dict[str, float]:
    """Return the increases by the values of an expression over the labels, those of zero included."""
    found = unbroken(select(metrics, name)).with_columns(by.alias("by"))
    values = found.get_column("by").drop_nulls().unique().sort().to_list()
    parts = {value: found.filter(pl.col("by") == value) for value in values}
    return {
        value: _total_at(part, end_s, sudden=sudden) - _total_at(part, start_s, sudden=sudden)
        for value, part in parts.items()
    }


def unbroken(samples: pl.DataFrame) -> pl.DataFrame:
    """Return the samples of a counter in order, as if it had gone on where its process ended: a fall is a new start."""
    series = ["process", "labels"]
    before = pl.col("value").shift(1, fill_value=0.0).over(series)
    grew = pl.when(pl.col("value") < before).then(pl.col("value")).otherwise(pl.col("value") - before)
    return samples.sort("t_s").with_columns(grew.alias("value")).with_columns(pl.col("value").cum_sum().over(series))


def label_value(label: str) -> pl.Expr:
    """Return the value of a label out of the exposition text, null where there is none."""
    return pl.col("labels").str.extract(_pattern(label, '([^"]*)'), 1)


def link_group() -> pl.Expr:
    """Return the link of a series; links to the processes of one service ("edge-catalog-2") count as one."""
    return label_value("link").str.replace(r"-\d+$", "")


def _pattern(label: str, value: str) -> str:
    return f'(?:^|,){label}="{value}"'


def _total_at(samples: pl.DataFrame, at_s: float, *, sudden: bool) -> float:
    """Return the sum of the series at an instant, between two samples in proportion; before the first, 0."""
    ordered = samples.sort("t_s")
    series = ["process", "labels"]
    before = ordered.filter(pl.col("t_s") <= at_s).group_by(series).agg(pl.col("t_s", "value").last())
    if sudden:
        return float(before.get_column("value").sum())
    after = ordered.filter(pl.col("t_s") > at_s).group_by(series).agg(pl.col("t_s", "value").first())
    both = before.join(after, on=series, how="left", suffix="_after")
    passed = ((at_s - pl.col("t_s")) / (pl.col("t_s_after") - pl.col("t_s"))).fill_null(0.0)
    grew = (pl.col("value_after") - pl.col("value")).fill_null(0.0).clip(lower_bound=0.0)
    return float(both.select((pl.col("value") + passed * grew).sum()).item())
