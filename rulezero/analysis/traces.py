"""Which requests are worth a look one by one: the slowest answer, one that failed, a typical one.

What an average hides can then be seen once. A request counts when it was traced and its spans arrived.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from rulezero.outcome import Outcome

KINDS = ("slowest", "failed", "typical")


def choose(rows: pl.DataFrame, spans: pl.DataFrame) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each of `KINDS` with the row of its request, None where there is no such request."""
    key = ["arm", "trace_id"]
    asked = rows.filter(pl.col("trace_id") != "")
    traced = asked.join(spans.select(key), on=key, how="semi").sort("latency_ms", "intended_s")
    answered = traced.filter(pl.col("outcome") == Outcome.OK)
    failed = traced.filter(pl.col("outcome") != Outcome.OK)
    pools = (answered, answered.height - 1), (failed, failed.height // 2), (answered, answered.height // 2)
    for kind, (pool, index) in zip(KINDS, pools, strict=True):
        yield kind, None if pool.is_empty() else pool.row(index, named=True)


def chosen_traces(rows: pl.DataFrame, spans: pl.DataFrame) -> list[dict[str, Any]]:
    """Return what verdict.json says of them; their spans are in the record under the same trace_id."""
    columns = ("arm", "trace_id", "route", "phase", "outcome", "latency_ms")
    return [
        {"kind": kind, **{column: row[column] for column in columns}}
        for kind, row in choose(rows, spans)
        if row is not None
    ]
