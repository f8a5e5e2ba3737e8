"""What went on inside the system, by the services' own metrics: capacity, dead work, links, caches."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from rulezero.analysis.counters import increase_by, label_value, link_group, select
from rulezero.experiment import MEASURED

Window = tuple[float, float]

SLOTS = "slots"
BACKLOG_FROM_S, BACKLOG_TO_S = 2.0, 7.0
_SERVICE = pl.col("process").str.replace(r"-\d+$", "")


def capacity_rps(metrics: pl.DataFrame, windows: Mapping[str, Window]) -> dict[str, float]:
    """Return what each service can serve a second: its slots over the mean time that a request held one.

    Measured in the baseline, over all processes of the service; services that held none are left out.
    """
    return capacities_rps(metrics, windows["baseline"])


def capacities_rps(metrics: pl.DataFrame, window: Window) -> dict[str, float]:
    """Return the same of any stretch of time."""
    start_s, end_s = window
    of_slots = _of_slots(metrics)
    held_s = increase_by(of_slots, "concurrency_hold_seconds_sum", _SERVICE, start_s=start_s, end_s=end_s)
    served = increase_by(of_slots, "concurrency_hold_seconds_count", _SERVICE, start_s=start_s, end_s=end_s)
    limits = select(of_slots, "concurrency_limit").sort("t_s").group_by("process").agg(pl.col("value").last())
    slots = dict(limits.group_by(_SERVICE).agg(pl.col("value").sum()).iter_rows())
    return {name: slots[name] * served[name] / held_s[name] for name in sorted(served) if held_s.get(name)}


def backlog_rps(metrics: pl.DataFrame, windows: Mapping[str, Window]) -> dict[str, float]:
    """Return what each service served a second soon after the fault, while all its processes had a line.

    That is what its slots come to when they never lack work, handing over included; from 2 to 7 s after the fault, when
    connections are warm again. Services that had no line at one of the samples in it are left out.
    """
    fault_end_s, end_s = windows["hold"]
    start_s, end_s = fault_end_s + BACKLOG_FROM_S, min(fault_end_s + BACKLOG_TO_S, end_s)
    of_slots = _of_slots(metrics)
    lines = select(of_slots, "concurrency_waiting").filter(pl.col("t_s").is_between(start_s, end_s))
    shortest = dict(lines.group_by(_SERVICE).agg(pl.col("value").min()).iter_rows())
    served = increase_by(of_slots, "concurrency_hold_seconds_count", _SERVICE, start_s=start_s, end_s=end_s)
    return {name: count / (end_s - start_s) for name, count in sorted(served.items()) if shortest.get(name)}


def dead_work(metrics: pl.DataFrame, windows: Mapping[str, Window]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return for each service and phase what it did for callers who had left.

    `rps`: answers a second that were ready and nobody waited for. `share`: of the time that slots were held, that for
    requests whose caller got no answer of them, those cut off in the middle included.
    """
    of_slots = _of_slots(metrics)
    gone = metrics.filter(pl.col("labels").str.contains('reason="client_gone"', literal=True))
    dead, held_s, wasted_s = {}, {}, {}
    for name in MEASURED:
        start_s, end_s = windows[name]
        dead[name] = increase_by(gone, "work_abandoned_total", _SERVICE, start_s=start_s, end_s=end_s)
        held_s[name] = increase_by(of_slots, "concurrency_hold_seconds_sum", _SERVICE, start_s=start_s, end_s=end_s)
        wasted_s[name] = increase_by(
            of_slots, "concurrency_wasted_seconds_total", _SERVICE, start_s=start_s, end_s=end_s
        )
    services = sorted({service for counts in held_s.values() for service in counts})
    return {
        service: {
            "rps": {name: dead[name].get(service, 0.0) / _length_s(windows[name]) for name in MEASURED},
            "share": {name: _share(wasted_s[name].get(service, 0.0), held_s[name].get(service)) for name in MEASURED},
        }
        for service in services
    }


def settled_attempts_rps(metrics: pl.DataFrame, windows: Mapping[str, Window]) -> dict[str, dict[str, float]]:
    """Return the attempts a second on each link in the second half of each phase, when things have settled."""
    result: dict[str, dict[str, float]] = {}
    for name in MEASURED:
        start_s, end_s = windows[name]
        middle_s = (start_s + end_s) / 2
        grew = increase_by(metrics, "dependency_attempts_total", link_group(), start_s=middle_s, end_s=end_s)
        for link, count in grew.items():
            result.setdefault(link, {})[name] = count / (end_s - middle_s)
    return result


def caches(
    metrics: pl.DataFrame, manifest: Mapping[str, Any], windows: Mapping[str, Window]
) -> dict[str, dict[str, float | None]]:
    """Return for each cache what its reads and loads came to, from the fault to its first crowd or the end of the arm.

    `loads_per_renewal`: loads that were written, by those that found the entry as it was when they set out; the others
    were for nothing. `blocked_reads`: reads that waited for a load. `stale`, `missed`: reads that found such.
    """
    start_s, end_s = windows["fault"][0], windows["hold"][1]
    end_s = min([end_s, *(windows["fault"][0] + burst["at_s"] for burst in manifest["bursts"])])
    writes = _by_result(metrics, "cache_writes_total", start_s, end_s)
    reads = _by_result(metrics, "cache_requests_total", start_s, end_s)
    blocked = increase_by(
        metrics, "cache_blocked_reads_total", label_value("cache"), start_s=start_s, end_s=end_s, sudden=True
    )
    result: dict[str, dict[str, float | None]] = {}
    for cache in sorted({name for name, _ in (*writes, *reads)}):
        renewed, redundant = writes.get((cache, "renewed"), 0.0), writes.get((cache, "redundant"), 0.0)
        result[cache] = {
            "renewals": renewed,
            "loads_per_renewal": (renewed + redundant) / renewed if renewed else None,
            "blocked_reads": blocked.get(cache, 0.0),
            "stale": reads.get((cache, "stale"), 0.0),
            "missed": reads.get((cache, "miss"), 0.0),
        }
    return result


def _by_result(metrics: pl.DataFrame, name: str, start_s: float, end_s: float) -> dict[tuple[str, str], float]:
    both = pl.concat_str(label_value("cache"), pl.lit("\t"), label_value("result"))
    grew = increase_by(metrics, name, both, start_s=start_s, end_s=end_s, sudden=True)
    return {(cache, result): count for key, count in grew.items() for cache, result in (key.split("\t"),)}


def _of_slots(metrics: pl.DataFrame) -> pl.DataFrame:
    return metrics.filter(pl.col("labels").str.contains(f'resource="{SLOTS}"', literal=True))


def _share(part: float, whole: float | None) -> float | None:
    return part / whole if whole else None


def _length_s(window: Window) -> float:
    return window[1] - window[0]
