"""Which traces are shown, and how their spans nest."""

from typing import Any

import polars as pl

from rulezero.record import TABLES
from rulezero.report.traces import BAR_WIDTH, SPANS_MAX, absent_traces, waterfall_lines, waterfalls


def rows(*values: tuple[str, str, float]) -> pl.DataFrame:
    frame = pl.DataFrame(list(values), schema=["trace_id", "outcome", "latency_ms"], orient="row")
    return frame.with_columns(
        arm=pl.lit("none"), route=pl.lit("/r"), phase=pl.lit("hold"), intended_s=pl.int_range(pl.len()).cast(pl.Float64)
    )


def span(trace: str, name: str, parent: str = "", start_s: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"arm": "none", "trace_id": trace, "span_id": name, "parent_id": parent, "service": "s", "name": name,
            "kind": "SERVER", "start_s": start_s, "duration_ms": 100.0, "status": "ok", "attributes": "{}",
            **more}  # fmt: skip


def spans(*values: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(values), schema={"arm": pl.String, **TABLES["spans"][1]})


def test_slowest_failed_and_typical() -> None:
    """The slowest is one that was answered; requests without spans are not chosen."""
    asked = rows(("a", "ok", 10.0), ("b", "ok", 20.0), ("c", "ok", 90.0), ("d", "timeout", 2000.0), ("e", "ok", 5000.0))
    chosen = waterfalls(asked, spans(*(span(trace, "root") for trace in "abcd")))
    assert [(each.title, each.latency_ms) for each in chosen] == [
        ("The slowest answer", 90.0),
        ("One that failed", 2000.0),
        ("A typical one", 20.0),
    ]


def test_wasted_work_is_shown_for_each_arm() -> None:
    """What a service did after the user had given up, besides the three of the whole run."""
    asked = rows(("a", "ok", 10.0), ("b", "timeout", 20.0), ("c", "timeout", 30.0))
    late = [{**span(trace, "root"), "start_s": 3.0} for trace in "abc"]
    assert [(each.title, each.latency_ms) for each in waterfalls(asked, spans(*late))] == [
        ("The slowest answer", 10.0),
        ("One that failed", 30.0),
        ("Work for a user who had given up", 20.0),
    ]


def test_one_trace_is_shown_once() -> None:
    """When the only traced request is slowest and typical at once."""
    assert len(waterfalls(rows(("a", "ok", 10.0)), spans(span("a", "root")))) == 1


def test_callees_stand_below_their_callers() -> None:
    """Depth counts callers; places are percentages of the trace's length; a missing caller makes a root."""
    trace = waterfalls(
        rows(("a", "ok", 10.0)),
        spans(
            span("a", "late", "root", 0.06, duration_ms=40.0, status="ERROR"),
            span("a", "root"),
            span("a", "early", "root", 0.02, duration_ms=20.0),
            span("a", "orphan", "gone", 0.08, duration_ms=5.0),
        ),
    )[0]
    assert [(bar.name, bar.depth, bar.left, bar.width, bar.failed) for bar in trace.bars] == [
        ("root", 0, 0.0, 100.0, False),
        ("early", 1, 20.0, 20.0, False),
        ("late", 1, 60.0, 40.0, True),
        ("orphan", 0, 80.0, 5.0, False),
    ]


def test_spans_that_name_each_other_as_callers_end() -> None:
    """A cycle is no waterfall, but it must not hang the report."""
    trace = waterfalls(rows(("a", "ok", 10.0)), spans(span("a", "x", "y"), span("a", "y", "x")))[0]
    assert trace.bars == ()


def test_decisions_are_told_and_broken_attributes_are_not() -> None:
    """Attributes `defence.NAME.decision` are shown; text that is no JSON is ignored."""
    decided = '{"defence.retry.decision": "retried", "http.route": "/r"}'
    trace = waterfalls(
        rows(("a", "ok", 10.0)),
        spans(span("a", "root", attributes=decided), span("a", "x", "root", attributes="{oops")),
    )[0]
    assert [bar.decisions for bar in trace.bars] == ["retry: retried", ""]


def test_long_traces_are_bounded() -> None:
    """What does not fit is counted."""
    many = [span("a", f"s{number}", start_s=number / 1000) for number in range(SPANS_MAX + 5)]
    trace = waterfalls(rows(("a", "ok", 10.0)), spans(*many))[0]
    assert (len(trace.bars), trace.left_out) == (SPANS_MAX, 5)


def test_no_spans_no_traces() -> None:
    """The report says so elsewhere."""
    assert waterfalls(rows(("a", "ok", 10.0)), spans()) == []


def test_what_is_not_there_is_told_with_the_reason() -> None:
    """No spans at all, no failure, no answer."""
    one = spans(span("a", "root"))
    assert absent_traces(rows(("a", "ok", 10.0)), spans()) == "No spans were recorded for this run."
    assert absent_traces(rows(("a", "ok", 10.0)), one) == "No traced request failed."
    assert absent_traces(rows(("a", "timeout", 10.0)), one) == "No traced request was answered."
    assert absent_traces(rows(("a", "ok", 10.0), ("b", "error", 1.0)), spans(span("a", "x"), span("b", "y"))) == ""


def test_a_waterfall_as_text() -> None:
    """Depth indents the name, the bar lies where the span lies, a failed one is drawn otherwise."""
    trace = waterfalls(
        rows(("a", "ok", 10.0)),
        spans(span("a", "root"), span("a", "late", "root", 0.05, duration_ms=50.0, status="ERROR")),
    )[0]
    lines = list(waterfall_lines(trace))
    half = BAR_WIDTH // 2
    assert lines == [f"s root   |{'=' * BAR_WIDTH}| 100 ms", f"  s late |{' ' * half}{'x' * half}| 50 ms"]
