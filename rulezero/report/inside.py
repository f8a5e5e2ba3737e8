"""What went on inside the system, per arm, as one table: dead work, caches, the tail of the latency, capacity.

Only what a run has is there: a column in which every arm has nothing, or 0, is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rulezero.experiment import MEASURED
from rulezero.report.tables import failed_share
from rulezero.report.words import MISSING, number, share, with_unit

Arm = Mapping[str, Any]

# A service that could serve so many times what it was offered was never near its end.
SATURATES_WITHIN = 10
# Of fewer answers, one in a thousand is the slowest one.
ANSWERS_FOR_P999 = 1000
_NOTHING = (MISSING, "0", "0 %")


@dataclass(frozen=True, kw_only=True, slots=True)
class InsideTable:
    """The heads but that of the arm, and a row of cells by arm."""

    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def inside_table(verdict: Mapping[str, Any]) -> InsideTable:
    """Return what there is; without anything, no rows."""
    arms = verdict.get("arms", ())
    columns = [(head, [cell(arm) for arm in arms]) for head, cell in _COLUMNS]
    shown = [(head, cells) for head, cells in columns if any(cell not in _NOTHING for cell in cells)]
    rows = [(arm["name"], [cells[place] for _, cells in shown]) for place, arm in enumerate(arms)]
    return InsideTable(heads=[head for head, _ in shown], rows=rows if shown else [])


def _dead_share(arm: Arm) -> str:
    """Return the share of the service that wasted most of its time."""
    shares = [
        (work["share"]["hold"], service)
        for service, work in (arm.get("dead_work") or {}).items()
        if work["share"]["hold"] is not None
    ]
    worst, service = max(shares, default=(None, ""))
    return f"{share(worst, 1)} ({service})" if worst else share(worst, 1)


def _answers_for_nobody(arm: Arm) -> str:
    rates = [work["rps"]["hold"] for work in (arm.get("dead_work") or {}).values()]
    return number(sum(rates)) if rates else MISSING


def _loads_per_renewal(arm: Arm) -> str:
    loads = [
        cache["loads_per_renewal"]
        for cache in (arm.get("caches") or {}).values()
        if cache["loads_per_renewal"] is not None
    ]
    return number(max(loads, default=None))


def _reads(key: str) -> Callable[[Arm], str]:
    def cell(arm: Arm) -> str:
        counts = [cache[key] for cache in (arm.get("caches") or {}).values()]
        return number(sum(counts)) if counts else MISSING

    return cell


def _percentile(name: str) -> Callable[[Arm], str]:
    def cell(arm: Arm) -> str:
        answers = ((arm.get("outcomes") or {}).get("fault") or {}).get("ok", 0)
        if name == "p999" and answers < ANSWERS_FOR_P999:
            return MISSING
        return with_unit(((arm.get("latency_ms") or {}).get("fault") or {}).get(name), "ms")

    return cell


def _capacities(arm: Arm) -> str:
    offered_rps = max(((arm.get("offered_rps") or {}).get(phase) or 0.0 for phase in MEASURED), default=0.0)
    near = {
        service: capacity_rps
        for service, capacity_rps in (arm.get("capacity_rps") or {}).items()
        if capacity_rps <= SATURATES_WITHIN * offered_rps
    }
    return ", ".join(f"{service} {number(capacity_rps)}" for service, capacity_rps in near.items()) or MISSING


_COLUMNS: Sequence[tuple[str, Callable[[Arm], str]]] = (
    ("dead work in the hold, worst service", _dead_share),
    ("answers for nobody a second in the hold", _answers_for_nobody),
    ("loads per renewal", _loads_per_renewal),
    ("reads that waited", _reads("blocked_reads")),
    ("stale reads", _reads("stale")),
    ("not good in the fault", lambda arm: failed_share(arm, "fault")),
    ("p95 in the fault", _percentile("p95")),
    ("p99 in the fault", _percentile("p99")),
    ("p99.9 in the fault", _percentile("p999")),
    ("capacity a second", _capacities),
)
