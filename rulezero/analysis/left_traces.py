"""The proof of a fault where the services tell nothing: what Toxiproxy counted on the link, and what users got.

Either may stay as it was although the fault took effect: delay changes no bytes, and a defence may hide it from the
users, by which less crosses the link. A fault that changed neither cannot be told from none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from rulezero.analysis.counters import increase
from rulezero.analysis.figures import Window, offered, windows_of
from rulezero.faults import Fault, Toxic

BYTES = "toxiproxy_proxy_sent_bytes_total"
BYTES_FACTOR = 2.0
LATENCY_FACTOR, LATENCY_MS = 2.0, 20.0
BAD_SHARE = 0.05


def proofs(
    fault: Fault, rows: pl.DataFrame, metrics: pl.DataFrame, manifest: Mapping[str, Any]
) -> Iterator[tuple[str, float, str]]:
    """Yield what must each be 1 or more, as (name, number, text): the bytes on the link before, and the traces."""
    if not isinstance(fault, Toxic):
        return
    baseline, (start_s, end_s) = windows_of(manifest)["baseline"], windows_of(manifest)["fault"]
    crossed = increase(metrics, BYTES, labels={"proxy": fault.link}, start_s=baseline[0], end_s=baseline[1])
    yield "link_in_use", crossed, f"{crossed:,.0f} bytes crossed {fault.link} before the fault"
    at_s = start_s + fault.at_s
    during = at_s, end_s if fault.for_s is None else at_s + fault.for_s
    requests = offered(rows, manifest)
    before, then = _within(requests, baseline), _within(requests, during)
    left = [*_bytes(fault.link, metrics, baseline, during), *_latency(before, then), *_failures(before, then)]
    yield "fault_proof", len(left), f"{fault.text}: {'; '.join(left) or 'nothing changed'}"


def _bytes(link: str, metrics: pl.DataFrame, baseline: Window, during: Window) -> Iterator[str]:
    for direction in ("upstream", "downstream"):
        labels = {"proxy": link, "direction": direction}
        before, then = (
            increase(metrics, BYTES, labels=labels, start_s=start_s, end_s=end_s) / (end_s - start_s)
            for start_s, end_s in (baseline, during)
        )
        if before and not before / BYTES_FACTOR < then < before * BYTES_FACTOR:
            yield f"bytes {direction} went to {then / before:.0%}"


def _latency(baseline: pl.DataFrame, during: pl.DataFrame) -> Iterator[str]:
    """Look at the slowest twentieth: a toxic need not hit every connection."""
    for route in sorted(set(baseline.get_column("route"))):
        before_ms, then_ms = (
            part.filter(pl.col("route") == route).get_column("latency_ms").quantile(0.95, "linear")
            for part in (baseline, during)
        )
        if before_ms is None or then_ms is None:
            continue
        if then_ms >= LATENCY_FACTOR * before_ms and then_ms - before_ms >= LATENCY_MS:
            yield f"p95 of {route} went from {before_ms:.0f} to {then_ms:.0f} ms"


def _failures(baseline: pl.DataFrame, during: pl.DataFrame) -> Iterator[str]:
    before, then = (_bad_share(part) for part in (baseline, during))
    if then - before >= BAD_SHARE:
        yield f"{then:.0%} were bad after {before:.0%}"


def _within(requests: pl.DataFrame, window: Window) -> pl.DataFrame:
    start_s, end_s = window
    return requests.filter(pl.col("intended_s").is_between(start_s, end_s, closed="left"))


def _bad_share(requests: pl.DataFrame) -> float:
    return requests.filter(~pl.col("good")).height / requests.height if requests.height else 0.0
