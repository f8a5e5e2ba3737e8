"""The spans of the traces that a report shows, in the order of a waterfall."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
import polars as pl

from rulezero.analysis.traces import OF_ALL_ARMS, choose
from rulezero.report.words import with_unit

SPANS_MAX = 40
NAME_WIDTH_MAX = 48
BAR_WIDTH = 40
TITLES = {
    "slowest": "The slowest answer",
    "failed": "One that failed",
    "typical": "A typical one",
    "wasted": "Work for a user who had given up",
}


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
    """Return the traces that are chosen, each request once."""
    chosen: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for kind, row in choose(rows, spans):
        if row is not None:
            chosen.setdefault((row["arm"], row["trace_id"]), (TITLES[kind], row))
    return [_waterfall(title, row, spans) for title, row in chosen.values()]


def waterfall_lines(trace: Waterfall) -> Iterator[str]:
    """Yield a trace as lines of text: the spans by depth, then where each lies in time, then how long it took."""
    names = [f"{'  ' * bar.depth}{' '.join(f'{bar.service} {bar.name}'.split())}" for bar in trace.bars]
    width = min(max(map(len, names), default=0), NAME_WIDTH_MAX)
    for name, bar in zip(names, trace.bars, strict=True):
        before = round(bar.left / 100 * (BAR_WIDTH - 1))
        length = max(1, round(bar.width / 100 * BAR_WIDTH))
        drawn = f"{' ' * before}{('x' if bar.failed else '=') * length}"[:BAR_WIDTH]
        told = f"  {' '.join(bar.decisions.split())}" if bar.decisions else ""
        yield f"{name[:width]:<{width}} |{drawn:<{BAR_WIDTH}}| {with_unit(bar.duration_ms, 'ms')}{told}"
    if trace.left_out:
        yield f"{trace.left_out} later spans are left out"


def absent_traces(rows: pl.DataFrame, spans: pl.DataFrame) -> str:
    """Say whether there is none that was answered, or none that failed, and why."""
    if spans.is_empty():
        return "No spans were recorded for this run."
    first = islice(choose(rows, spans), len(OF_ALL_ARMS))  # Wasted work is never missed, and takes long to find.
    missing = {kind for kind, row in first if row is None}
    told = ["No traced request was answered."] if "typical" in missing else []
    return " ".join([*told, *(["No traced request failed."] if "failed" in missing else [])])


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
