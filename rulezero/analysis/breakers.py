"""How often each circuit breaker was seen to open, and for how long."""

from typing import Any

import polars as pl

from rulezero.analysis.series import breaker_states


def breakers(metrics: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what verdict.json says of an arm's breakers, those included that stayed closed.

    States are sampled once a second: an opening that is shorter may be missed.
    """
    lengths_s = pl.col("end_s") - pl.col("start_s")
    is_open = pl.col("state") == 2
    return (
        breaker_states(metrics)
        .group_by("process", "dependency")
        .agg(is_open.sum().alias("opened"), lengths_s.filter(is_open).sum().round(3).alias("open_s"))
        .sort("process", "dependency")
        .to_dicts()
    )
