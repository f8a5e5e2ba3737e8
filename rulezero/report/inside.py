"""What went on inside the system, per arm, as one table: work for nobody, caches, queues, tails, capacity.

Only what a run has is there: a column in which every arm has nothing, or 0, is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rulezero.analysis.queues import GONE_MESSAGES
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
    return table_of(verdict, _COLUMNS)


def table_of(verdict: Mapping[str, Any], cells: Sequence[tuple[str, Callable[[Arm], str]]]) -> InsideTable:
    """Return a table of the arms, by the heads and cells of its columns."""
    arms = verdict.get("arms", ())
    columns = [(head, [cell(arm) for arm in arms]) for head, cell in cells]
    shown = [(head, cells) for head, cells in columns if any(cell not in _NOTHING for cell in cells)]
    rows = [(arm["name"], [cells[place] for _, cells in shown]) for place, arm in enumerate(arms)]
    return InsideTable(heads=[head for head, _ in shown], rows=rows if shown else [])


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


def _queue(cell: Callable[[Mapping[str, Any]], str]) -> Callable[[Arm], str]:
    """Return the cell of the longest queue; one that was always all but empty is not worth a column."""

    def shown(arm: Arm) -> str:
        queues = (arm.get("queues") or {}).values()
        longest = max(queues, key=lambda queue: queue["depth"]["max"] or 0.0, default=None)
        if longest is None or (longest["depth"]["max"] or 0.0) <= GONE_MESSAGES:
            return MISSING
        return cell(longest)

    return shown


def _gone(queue: Mapping[str, Any]) -> str:
    return "never" if queue["drained_s"] is None else with_unit(queue["drained_s"], "s")


_COLUMNS: Sequence[tuple[str, Callable[[Arm], str]]] = (
    ("answers for nobody a second in the hold", _answers_for_nobody),
    ("loads per renewal", _loads_per_renewal),
    ("reads that waited", _reads("blocked_reads")),
    ("stale reads", _reads("stale")),
    ("messages at the end of the fault", _queue(lambda queue: number(queue["depth"]["fault_end"]))),
    ("age of the oldest then", _queue(lambda queue: with_unit(queue["oldest_s"]["fault_end"], "s"))),
    ("backlog gone after the fault", _queue(_gone)),
    ("refused once it was full", _queue(lambda queue: share(queue["refused_share"], 1))),
    ("messages delivered again", _queue(lambda queue: number(queue["redelivered"]))),
    ("not good in the fault", lambda arm: failed_share(arm, "fault")),
    ("p95 in the fault", _percentile("p95")),
    ("p99 in the fault", _percentile("p99")),
    ("p99.9 in the fault", _percentile("p999")),
    ("capacity a second", _capacities),
)
