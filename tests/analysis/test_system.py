"""What went on inside the system: exact numbers on metrics small enough to check by hand."""

from typing import Any

import pytest

from rulezero.analysis.figures import windows_of
from rulezero.analysis.system import backlog_rps, caches, capacity_rps, dead_work, settled_attempts_rps
from tests.analysis.frames import manifest, metrics, sample

WINDOWS = windows_of(manifest())
SLOTS = 'resource="slots"'
POOL = 'resource="pool"'
GONE, LATE = 'reason="client_gone"', 'reason="deadline"'
HELD, WASTED = "concurrency_hold_seconds_sum", "concurrency_wasted_seconds_total"
CROWD = {"route": "browse", "at_s": 2.0, "count": 9, "key": 2, "deadline_s": 6.0}
Samples = list[dict[str, Any]]


def held(process: str, *, slots: int, count: float, mean_s: float, resource: str = SLOTS) -> Samples:
    """Return a service process that held its slots so often in the baseline, and quite differently before and after."""
    name = "concurrency_hold_seconds"
    counts_s = ((1.0, 1000.0, 7.0), (5.0, 1000.0 + count, 7.0 + count * mean_s), (9.0, 5000.0 + count, 9999.0))
    totals = [
        one
        for t_s, number, total_s in counts_s
        for one in (
            sample(t_s, f"{name}_count", number, resource, process=process),
            sample(t_s, f"{name}_sum", total_s, resource, process=process),
            sample(t_s, "concurrency_limit", slots, resource, process=process),
        )
    ]
    return list(reversed(totals))


def test_capacity_is_slots_by_the_mean_time_that_one_is_held() -> None:
    """In the baseline: 7 slots held for a tenth of a second each serve 70 a second."""
    found = capacity_rps(metrics(*held("catalog", slots=7, count=40, mean_s=0.1)), WINDOWS)
    assert found == {"catalog": pytest.approx(70)}


def test_the_processes_of_a_service_serve_together() -> None:
    """The mean is over their requests, so the busier one weighs more; services stay apart, and other resources out."""
    found = capacity_rps(
        metrics(
            *held("catalog-1", slots=7, count=30, mean_s=0.1),
            *held("catalog-2", slots=7, count=10, mean_s=0.3),
            *held("chain-a", slots=4, count=5, mean_s=0.2),
            *held("chain-b", slots=4, count=5, mean_s=0.4),
            *held("catalog-1", slots=99, count=99, mean_s=9.0, resource=POOL),
        ),
        WINDOWS,
    )
    assert found == {"catalog": pytest.approx(14 / 0.15), "chain-a": pytest.approx(20), "chain-b": pytest.approx(10)}


def test_the_last_limit_counts_wherever_its_line_is() -> None:
    """Samples need no order."""
    samples = held("catalog", slots=7, count=40, mean_s=0.1)
    earlier = sample(0.5, "concurrency_limit", 99, SLOTS, process="catalog")
    assert capacity_rps(metrics(*samples, earlier), WINDOWS) == {"catalog": pytest.approx(70)}


def test_a_service_that_held_no_slot_has_no_capacity() -> None:
    """It is not there, rather than infinite; nor is one that was never scraped."""
    assert capacity_rps(metrics(*held("catalog", slots=7, count=0, mean_s=0.1)), WINDOWS) == {}
    assert capacity_rps(metrics(), WINDOWS) == {}


def in_line(process: str, *waiting: tuple[float, float], rate_rps: float = 70.0) -> Samples:
    """Return a service process that serves at an even rate, and the length of its line at some moments."""
    served = [sample(t_s, "concurrency_hold_seconds_count", t_s * rate_rps, SLOTS, process=process) for t_s in (0, 30)]
    return [*served, *(sample(t_s, "concurrency_waiting", length, SLOTS, process=process) for t_s, length in waiting)]


def test_what_is_served_with_a_line_is_told_of_those_that_had_one_all_the_time() -> None:
    """In all their processes; before and after it matters not."""
    after_s = WINDOWS["hold"][0]
    long = [(after_s, 0.0), *((after_s + 2 + number, 5.0) for number in range(6)), (after_s + 8, 0.0)]
    once_short = [(t_s, 0.0 if t_s == after_s + 4 else length) for t_s, length in long]
    found = backlog_rps(
        metrics(
            *in_line("catalog-1", *long),
            *in_line("catalog-2", *long),
            *in_line("chain-1", *long),
            *in_line("chain-2", *once_short),
            *in_line("edge"),
        ),
        WINDOWS,
    )
    assert found == {"catalog": pytest.approx(140)}
    assert backlog_rps(metrics(), WINDOWS) == {}


def test_dead_work_is_what_was_done_for_callers_who_had_left() -> None:
    """By phase and service, in slot time: 4 s held in the baseline, none in vain; 10 in the fault, 5 in vain."""
    found = dead_work(
        metrics(
            *(
                sample(t_s, HELD, held_s, SLOTS, process="catalog-1")
                for t_s, held_s in ((1.0, 9), (5.0, 12), (9.0, 18))
            ),
            *(sample(t_s, HELD, held_s, SLOTS, process="catalog-2") for t_s, held_s in ((5.0, 1), (9.0, 5))),
            *(sample(t_s, WASTED, lost_s, SLOTS, process="catalog-1") for t_s, lost_s in ((5.0, 0), (9.0, 3))),
            *(sample(t_s, WASTED, lost_s, SLOTS, process="catalog-2") for t_s, lost_s in ((5.0, 0), (9.0, 2))),
            *(sample(t_s, HELD, held_s, POOL, process="catalog-2") for t_s, held_s in ((5.0, 100), (9.0, 200))),
            *(sample(t_s, WASTED, lost_s, POOL, process="catalog-2") for t_s, lost_s in ((5.0, 0), (9.0, 100))),
            *(sample(t_s, "work_abandoned_total", count, GONE, process="catalog-1") for t_s, count in ((5, 0), (9, 3))),
            sample(9.0, "work_abandoned_total", 2, GONE, process="catalog-2"),
            sample(9.0, "work_abandoned_total", 100, LATE, process="catalog-2"),
            sample(9.0, "work_abandoned_total", 100, GONE, process="edge"),
        ),
        WINDOWS,
    )
    assert found == {
        "catalog": {
            "rps": {"baseline": 0.0, "fault": 5 / 4, "hold": 0.0},
            "share": {"baseline": 0.0, "fault": 5 / 10, "hold": None},
        }
    }


def test_what_was_held_before_the_phase_may_be_lost_in_it() -> None:
    """Time in vain is known when its request ends, so a phase may have more of it than was held: that is not hidden."""
    told = metrics(sample(5.0, HELD, 10, SLOTS), sample(5.0, WASTED, 11, SLOTS))
    assert dead_work(told, WINDOWS)["edge"]["share"]["baseline"] == pytest.approx(1.1)


def test_a_service_that_lost_nothing_has_no_dead_work() -> None:
    """It need not have the counter."""
    found = dead_work(metrics(sample(5.0, HELD, 10, SLOTS)), WINDOWS)["edge"]
    assert (found["share"]["baseline"], found["rps"]["baseline"]) == (0.0, 0.0)


def test_settled_attempts_are_those_of_the_second_half() -> None:
    """Of each phase: baseline from 3 s, fault from 7 s, hold from 14 s on; links of one service are one."""
    name = "dependency_attempts_total"
    counts = ((3.0, 100), (5.0, 110), (7.0, 500), (9.0, 520), (14.0, 900), (19.0, 950))
    found = settled_attempts_rps(
        metrics(
            *(sample(t_s, name, count, 'link="edge-catalog-1"') for t_s, count in counts),
            sample(9.0, name, 2, 'link="edge-catalog-2"'),
            sample(7.0, name, 7, 'link="chain-c-chain-d"'),
        ),
        WINDOWS,
    )
    assert found == {
        "edge-catalog": {"baseline": 5.0, "fault": 11.0, "hold": 10.0},
        "chain-c-chain-d": {"baseline": 0.0, "fault": 0.0, "hold": 0.0},
    }


def cached(result: str, *counts: tuple[float, float], what: str = "requests", cache: str = "items") -> Samples:
    return [sample(t_s, f"cache_{what}_total", count, f'cache="{cache}",result="{result}"') for t_s, count in counts]


def test_loads_per_renewal_are_all_loads_by_those_that_were_for_something() -> None:
    """From the fault to the end of the arm: 4 renewed and 6 for nothing are 2.5 each time; reads by what they found."""
    told = metrics(
        *cached("renewed", (4.9, 10), (18.0, 14), what="writes"),
        *cached("redundant", (4.9, 5), (18.0, 11), what="writes"),
        *cached("hit", (4.9, 5), (18.0, 900)),
        *cached("stale", (18.0, 3)),
        *cached("miss", (4.9, 50), (18.0, 57)),
        sample(4.9, "cache_blocked_reads_total", 50, 'cache="items"'),
        sample(18.0, "cache_blocked_reads_total", 62, 'cache="items"'),
        *cached("hit", (18.0, 9), cache="users"),
    )
    nothing = {"renewals": 0.0, "blocked_reads": 0.0, "stale": 0.0, "missed": 0.0, "loads_per_renewal": None}
    assert caches(told, manifest(), WINDOWS) == {
        "items": {"renewals": 4.0, "loads_per_renewal": 2.5, "blocked_reads": 12.0, "stale": 3.0, "missed": 7.0},
        "users": nothing,
    }


def test_a_crowd_is_looked_at_apart() -> None:
    """What it costs would drown what one expiry does: figures end when the first of them comes, at 7 s."""
    told = metrics(
        *cached("renewed", (6.9, 2), (8.9, 3), what="writes"),
        *cached("redundant", (6.9, 4), (8.9, 1000), what="writes"),
        sample(8.9, "cache_blocked_reads_total", 1000, 'cache="items"'),
    )
    later = {**CROWD, "at_s": 3.0}
    found = caches(told, manifest(bursts=[later, CROWD]), WINDOWS)["items"]
    assert (found["renewals"], found["loads_per_renewal"], found["blocked_reads"]) == (2.0, 3.0, 0.0)


def test_without_metrics_there_is_nothing_inside() -> None:
    """An arm that was interrupted at once."""
    assert dead_work(metrics(), WINDOWS) == {}
    assert settled_attempts_rps(metrics(), WINDOWS) == {}
    assert caches(metrics(), manifest(), WINDOWS) == {}
