"""Which requests are worth a look."""

from typing import Any

import polars as pl
import pytest

from rulezero.analysis.traces import chosen_traces
from rulezero.record import TABLES
from tests.analysis.frames import row, rows


def received(*values: dict[str, Any]) -> pl.DataFrame:
    """Return spans; each is 100 ms of a service that answered, from the beginning on, unless it says otherwise."""
    usual = {"arm": "none", "span_id": "s", "kind": "server", "start_s": 0.0, "duration_ms": 100.0, "status": "unset",
             "attributes": '{"http.response.status_code":200}'}  # fmt: skip
    schema = {"arm": pl.String, **TABLES["spans"][1]}
    return pl.DataFrame([{**usual, **one} for one in values], schema=schema)


def test_the_slowest_answer_a_failure_and_a_typical_one() -> None:
    """Of the requests whose spans arrived; what a failure took does not make it the slowest answer."""
    asked = pl.DataFrame(
        [("a", "ok", 10.0), ("b", "ok", 20.0), ("c", "ok", 90.0), ("d", "timeout", 2000.0), ("e", "ok", 5000.0)],
        schema=["trace_id", "outcome", "latency_ms"], orient="row",
    ).with_columns(
        arm=pl.lit("none"), route=pl.lit("browse"), phase=pl.lit("hold"), intended_s=pl.lit(1.0)
    )  # fmt: skip
    spans = received(*({"trace_id": trace_id} for trace_id in "abcd"))
    chosen = chosen_traces(asked, spans)
    assert [(one["kind"], one["trace_id"], one["latency_ms"]) for one in chosen] == [
        ("slowest", "c", 90.0), ("failed", "d", 2000.0), ("typical", "b", 20.0),
    ]  # fmt: skip
    assert [one["kind"] for one in chosen_traces(asked.filter(pl.col("outcome") == "ok"), spans)] == [
        "slowest",
        "typical",
    ]
    assert chosen_traces(asked, received()) == []


def wasted(rows: pl.DataFrame, spans: pl.DataFrame) -> list[tuple[str, str]]:
    return [(one["arm"], one["trace_id"]) for one in chosen_traces(rows, spans) if one["kind"] == "wasted"]


def gave_up(trace_id: str, *, outcome: str = "timeout", arm: str = "none") -> dict[str, Any]:
    """Return a request whose user left half a second after it was meant to be sent."""
    return row(1.0, latency_ms=500.0, outcome=outcome, trace_id=trace_id, arm=arm)


SERVED = {"start_s": 1.1, "duration_ms": 1000.0}  # until 2.1 s, the user having left at 1.5 s


def test_work_that_was_done_for_nobody() -> None:
    """Of each arm one, in their order: the middle one by how long after its user it was done."""
    asked = rows(*(gave_up(name) for name in "abc"), gave_up("d", arm="all", outcome="cancelled"))
    spans = received(
        *({**SERVED, "trace_id": name, "duration_ms": ms} for name, ms in (("a", 9000.0), ("b", 900.0), ("c", 2000.0))),
        {**SERVED, "trace_id": "d", "arm": "all"},
    )
    assert wasted(asked, spans) == [("none", "c"), ("all", "d")]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "error"},
        {"kind": "client"},
        {"kind": "consumer"},
        {"duration_ms": 440.0},
        {"duration_ms": None},
        {"attributes": '{"http.response.status_code":499}'},
        {"arm": "all"},
    ],
)
def test_what_is_no_wasted_work(change: dict[str, Any]) -> None:
    """It failed, or is no service's, or ended with its user, or was dropped, or belongs to another arm."""
    assert wasted(rows(gave_up("a")), received({**SERVED, "trace_id": "a"})) == [("none", "a")]
    assert wasted(rows(gave_up("a")), received({**SERVED, "trace_id": "a", **change})) == []


@pytest.mark.parametrize("outcome", ["ok", "error", "rejected", "not_sent"])
def test_only_users_who_gave_up_count(outcome: str) -> None:
    """Whoever got an answer, good or not, did not leave."""
    assert wasted(rows(gave_up("a", outcome=outcome)), received({**SERVED, "trace_id": "a"})) == []


def test_broken_spans_are_no_reason_to_fail() -> None:
    """Attributes that are no JSON, a span that came twice, a trace id that two requests have."""
    torn = {**SERVED, "trace_id": "a", "attributes": "{oops"}
    assert wasted(rows(gave_up("a"), gave_up("a")), received(torn, torn)) == [("none", "a")]
    assert wasted(rows(gave_up("a")), received({**torn, "attributes": None})) == [("none", "a")]
