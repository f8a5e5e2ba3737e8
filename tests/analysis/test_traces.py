"""Which requests are worth a look."""

import polars as pl

from rulezero.analysis.traces import chosen_traces
from rulezero.record import TABLES


def test_the_slowest_answer_a_failure_and_a_typical_one() -> None:
    """Of the requests whose spans arrived; what a failure took does not make it the slowest answer."""
    rows = pl.DataFrame(
        [("a", "ok", 10.0), ("b", "ok", 20.0), ("c", "ok", 90.0), ("d", "timeout", 2000.0), ("e", "ok", 5000.0)],
        schema=["trace_id", "outcome", "latency_ms"], orient="row",
    ).with_columns(
        arm=pl.lit("none"), route=pl.lit("browse"), phase=pl.lit("hold"), intended_s=pl.lit(1.0)
    )  # fmt: skip
    spans = pl.DataFrame({"arm": "none", "trace_id": list("abcd")})
    chosen = chosen_traces(rows, spans)
    assert [(one["kind"], one["trace_id"], one["latency_ms"]) for one in chosen] == [
        ("slowest", "c", 90.0), ("failed", "d", 2000.0), ("typical", "b", 20.0),
    ]  # fmt: skip
    assert [one["kind"] for one in chosen_traces(rows.filter(pl.col("outcome") == "ok"), spans)] == [
        "slowest",
        "typical",
    ]
    nothing = pl.DataFrame(schema={"arm": pl.String, **TABLES["spans"][1]})
    assert chosen_traces(rows, nothing) == []
