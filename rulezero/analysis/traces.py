"""Which requests are worth a look one by one: the slowest answer, one that failed, a typical one, and wasted work.

What an average hides can then be seen once. A request counts when it was traced and its spans arrived.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from rulezero.outcome import Outcome

OF_ALL_ARMS = ("slowest", "failed", "typical")

GAVE_UP = (Outcome.TIMEOUT, Outcome.CANCELLED)
# Two processes told of the two instants: what the services end sooner than this may be the answer on its way.
WASTED_AFTER_S = 0.05
# nginx's status for a request whose caller had left; here nothing was done for it.
_DROPPED = "499"


def choose(rows: pl.DataFrame, spans: pl.DataFrame) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each of `OF_ALL_ARMS` with the row of its request, None where there is no such request.

    Then "wasted" with one of each arm that has any.
    """
    key = ["arm", "trace_id"]
    asked = rows.filter(pl.col("trace_id") != "")
    traced = asked.join(spans.select(key), on=key, how="semi").sort("latency_ms", "intended_s")
    answered = traced.filter(pl.col("outcome") == Outcome.OK)
    failed = traced.filter(pl.col("outcome") != Outcome.OK)
    pools = (answered, answered.height - 1), (failed, failed.height // 2), (answered, answered.height // 2)
    for kind, (pool, index) in zip(OF_ALL_ARMS, pools, strict=True):
        yield kind, None if pool.is_empty() else pool.row(index, named=True)
    found = _wasted(failed, spans)
    for arm in asked.get_column("arm").unique(maintain_order=True):
        if arm in found:
            yield "wasted", found[arm]


def chosen_traces(rows: pl.DataFrame, spans: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what verdict.json says of them; their spans are in the record under the same trace_id."""
    columns = ("arm", "trace_id", "route", "phase", "outcome", "latency_ms")
    return [
        {"kind": kind, **{column: row[column] for column in columns}}
        for kind, row in choose(rows, spans)
        if row is not None
    ]


def _wasted(failed: pl.DataFrame, spans: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return by arm a request whose user had given up before a service was done with it, and well.

    Of an arm's the middle one, by how long after its user it was done.
    """
    key = ["arm", "trace_id"]
    left_s = (pl.col("intended_s") + pl.col("latency_ms") / 1000).alias("left_s")
    given_up = failed.filter(pl.col("outcome").is_in(list(GAVE_UP))).with_columns(left_s)
    served = pl.col("kind").is_in(["server", "SERVER"]) & ~pl.col("status").is_in(["error", "ERROR"])
    status = pl.col("attributes").str.extract(r'"http\.response\.status_code":\s*(\d+)', 1)
    late_s = pl.col("start_s") + pl.col("duration_ms") / 1000 - pl.col("left_s")
    done = (
        spans.filter(served)
        .join(given_up.select(*key, "left_s"), on=key, how="inner")
        .with_columns(late_s.alias("late_s"))
        .filter(pl.col("late_s") > WASTED_AFTER_S)
        .filter((status != _DROPPED).fill_null(value=True))
    )
    latest = done.group_by(key).agg(pl.col("late_s").max())
    ordered = given_up.join(latest, on=key, how="inner").sort("late_s", "trace_id").select(*failed.columns)
    return {arm: part.row(part.height // 2, named=True) for (arm,), part in ordered.group_by("arm")}
