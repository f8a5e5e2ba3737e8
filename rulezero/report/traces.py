"""Which traces a report shows, and their spans in the order of a waterfall.

The slowest answer, one that failed and a typical one, so that what an average hides can be seen once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl

from rulezero.outcome import Outcome

SPANS_MAX = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One span: `left` and `width` are percentages of the trace's length, `depth` counts its callers."""

    service: str
    name: str
    kind: str
    depth: int
    left: float
    width: float
    duration_ms: float
    failed: bool
    decisions: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Waterfall:
    """One trace. `left_out` spans did not fit."""

    title: str
    arm: str
    route: str
    phase: str
    outcome: str
    latency_ms: float
    bars: tuple[Bar, ...]
    left_out: int


def waterfalls(rows: pl.DataFrame, spans: pl.DataFrame) -> list[Waterfall]:
    """Return up to three traces: of the requests that were traced and whose spans arrived."""
    if spans.is_empty():
        return []
    key = ["arm", "trace_id"]
    traced = rows.join(spans.select(key).unique(), on=key, how="semi").sort("latency_ms", "intended_s")
    answered = traced.filter(pl.col("outcome") == Outcome.OK)
    failed = traced.filter(pl.col("outcome") != Outcome.OK)
    chosen: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for title, pool, index in (
        ("The slowest answer", answered, answered.height - 1),
        ("One that failed", failed, failed.height // 2),
        ("A typical one", answered, answered.height // 2),
    ):
        if not pool.is_empty():
            row = pool.row(index, named=True)
            chosen.setdefault((row["arm"], row["trace_id"]), (title, row))
    return [_waterfall(title, row, spans) for title, row in chosen.values()]


def _waterfall(title: str, row: dict[str, Any], spans: pl.DataFrame) -> Waterfall:
    own = spans.filter((pl.col("arm") == row["arm"]) & (pl.col("trace_id") == row["trace_id"])).sort("start_s")
    start_s = own.get_column("start_s").to_list()[0]
    length_ms = max((span["start_s"] - start_s) * 1000 + span["duration_ms"] for span in own.iter_rows(named=True))
    bars = tuple(_bar(depth, span, start_s, length_ms or 1.0) for depth, span in _nested(own.to_dicts()[:SPANS_MAX]))
    return Waterfall(
        title=title, arm=row["arm"], route=row["route"], phase=row["phase"], outcome=row["outcome"],
        latency_ms=row["latency_ms"], bars=bars, left_out=max(0, own.height - SPANS_MAX),
    )  # fmt: skip


def _nested(spans: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (depth, span) with every callee below its caller; a span whose caller is missing is a root."""
    present = {span["span_id"] for span in spans}
    callees: dict[str, list[dict[str, Any]]] = {}
    roots: list[dict[str, Any]] = []
    for span in spans:
        is_root = span["parent_id"] not in present or span["parent_id"] == span["span_id"]
        (roots if is_root else callees.setdefault(span["parent_id"], [])).append(span)
    waiting = [(0, span) for span in reversed(roots)]
    while waiting:
        depth, span = waiting.pop()
        yield depth, span
        waiting += [(depth + 1, callee) for callee in reversed(callees.pop(span["span_id"], []))]


def _bar(depth: int, span: dict[str, Any], start_s: float, length_ms: float) -> Bar:
    left = 100 * (span["start_s"] - start_s) * 1000 / length_ms
    width = min(100 * span["duration_ms"] / length_ms, 100 - left)
    return Bar(
        service=span["service"], name=span["name"], kind=(span["kind"] or "").lower(), depth=depth,
        left=round(min(left, 99.5), 2), width=round(max(0.5, width), 2),
        duration_ms=span["duration_ms"], failed=(span["status"] or "").lower() == "error",
        decisions=_decisions(span["attributes"]),
    )  # fmt: skip


def _decisions(attributes: str | None) -> str:
    """Return what defences decided within a span, from its attributes `defence.NAME.decision`."""
    try:
        told = orjson.loads(attributes or "{}")
    except orjson.JSONDecodeError:
        return ""
    return ", ".join(
        f"{name.split('.')[1]}: {value}"
        for name, value in (told.items() if isinstance(told, dict) else ())
        if name.startswith("defence.") and name.endswith(".decision")
    )
