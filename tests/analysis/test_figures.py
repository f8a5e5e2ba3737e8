"""Figures: exact numbers on frames small enough to check by hand."""

from typing import Any

import polars as pl
import pytest

from rulezero.analysis.figures import (
    arm_figures,
    arrivals_s,
    attempts_per_request,
    decisions,
    exercised,
    offered,
    recovery_s,
    windows_of,
)
from rulezero.experiment import MEASURED
from tests.analysis.frames import manifest, metrics, row, rows, sample, steady

NONE: dict[str, Any] = {"name": "none", "defences": []}
COUNTED = {"origin_operation": "load_item"}


def figures(*requests: dict[str, Any], arm: dict[str, Any] = NONE, **changes: Any) -> dict[str, Any]:
    return arm_figures(rows(*requests), metrics(), manifest(**changes), arm)


def recovery(*requests: dict[str, Any]) -> float | None:
    return recovery_s(offered(rows(*requests), manifest()), windows_of(manifest()))


def test_goodput_is_good_answers_by_intended_second() -> None:
    """A request belongs to the phase of its intended send, however late it was sent or answered."""
    late = row(4.9, sent_s=5.2, latency_ms=900.0)
    found = figures(row(0.5), row(1.0), row(1.5), late, row(5.0), row(9.0), row(18.9))
    assert found["goodput_rps"] == {"baseline": 3 / 4, "fault": 1 / 4, "hold": 2 / 10}
    assert found["offered_rps"] == found["goodput_rps"]


def test_good_is_ok_within_the_deadline_of_the_route() -> None:
    """Browse may take 1 s, checkout 0.5 s, to the millisecond; a failure in time is not good."""
    found = figures(
        row(1.0, latency_ms=1000.0),
        row(1.1, latency_ms=1000.1),
        row(1.2, route="checkout", latency_ms=500.0),
        row(1.3, route="checkout", latency_ms=500.1),
        row(1.4, outcome="rejected", latency_ms=2.0),
    )
    assert found["goodput_rps"]["baseline"] == 2 / 4
    assert found["offered_rps"]["baseline"] == 5 / 4
    assert found["outcomes"]["baseline"]["ok"] == 4


def test_a_burst_has_a_deadline_of_its_own() -> None:
    """The same route and latency: late for the stream, in time for the crowd, which is offered load too."""
    bursts = [{"route": "browse", "at_s": 1.0, "count": 1, "key": 2, "deadline_s": 6.0}]
    slow = {"latency_ms": 3000.0}
    found = figures(row(6.0, **slow), row(6.0, kind="burst", **slow), bursts=bursts)
    assert (found["goodput_rps"]["fault"], found["offered_rps"]["fault"]) == (1 / 4, 2 / 4)


def test_an_unknown_route_is_never_good_and_closed_load_is_not_offered() -> None:
    """Without a deadline nothing can be in time; a closed loop offers what the system lets it."""
    found = figures(row(1.0, route="elsewhere"), row(1.0, kind="closed"))
    assert (found["goodput_rps"]["baseline"], found["offered_rps"]["baseline"]) == (0, 1 / 4)


def test_outcomes_are_counted_by_phase() -> None:
    """All six are always there."""
    told = ["ok", "ok", "error", "timeout", "rejected", "cancelled", "not_sent", "not_sent"]
    found = figures(*(row(6.0, outcome=outcome) for outcome in told))["outcomes"]
    assert found["fault"] == {"ok": 2, "error": 1, "timeout": 1, "rejected": 1, "cancelled": 1, "not_sent": 2}
    assert set(found["hold"].values()) == {0}


def test_latencies_are_of_good_answers() -> None:
    """Ten answers of 10 to 100 ms beside a late one and a failure; none where nothing was good."""
    good = [row(6.0, latency_ms=10.0 * number) for number in range(1, 11)]
    found = figures(*good, row(6.0, latency_ms=5000.0), row(6.0, outcome="error", latency_ms=1.0))["latency_ms"]
    assert found["fault"] == {
        "p50": pytest.approx(55.0),
        "p95": pytest.approx(95.5),
        "p99": pytest.approx(99.1),
        "p999": pytest.approx(99.91),
    }
    assert set(found["hold"].values()) == {None}


def test_recovery_at_once() -> None:
    """The fault ends with the fault phase."""
    assert recovery(*steady(bad=range(5, 9))) == 0.0


def test_recovery_after_four_seconds() -> None:
    """Seconds 9 to 12 are still lost."""
    assert recovery(*steady(bad=range(5, 13))) == 4.0


def test_no_recovery() -> None:
    """Nothing comes back."""
    assert recovery(*steady(bad=range(5, 19))) is None


def test_a_relapse_is_no_recovery_until_it_is_over() -> None:
    """Good, then lost in seconds 12 and 13: recovered after that; lost at the very end: not recovered."""
    assert recovery(*steady(bad=range(12, 14))) == 5.0
    assert recovery(*steady(bad=range(17, 19))) is None


def test_a_tenth_may_fail() -> None:
    """One in twelve requests fails for ever: within 90 %, so recovered at once."""
    requests = steady(per_second=48)
    for number, request in enumerate(requests):
        if request["phase"] == "hold" and number % 12 == 0:
            request["outcome"] = "error"
    assert recovery(*requests) == 0.0


def test_recovery_needs_a_baseline_and_a_hold() -> None:
    """Nothing good before the fault, nothing after it, or no request at all: cannot be said."""
    assert recovery(*steady(bad=range(5))) is None
    assert recovery(*steady(until_s=9)) is None
    assert recovery() is None


def test_silence_is_no_recovery() -> None:
    """Three seconds without a request are not taken for good ones."""
    assert recovery(*(one for one in steady() if not 14 <= one["intended_s"] < 19)) is None


def test_arrivals_are_those_from_the_fault_on() -> None:
    """In order and since its beginning, sent or not, crowds included; a closed loop has no arrivals."""
    asked = [row(9.5), row(4.9), row(5.0, outcome="not_sent"), row(6.0, kind="burst"), row(7.0, kind="closed")]
    assert arrivals_s(rows(*asked), manifest()) == [0.0, 1.0, 4.5]
    assert arrivals_s(rows(), manifest()) == []


def test_the_settled_load_is_that_of_the_second_half() -> None:
    """Of each phase, good or not, crowds included, at the instants of intention."""
    asked = [row(2.9), row(3.0), row(4.9, outcome="error"), row(6.9), row(7.0, kind="burst"), row(7.0, kind="closed")]
    assert figures(*asked)["settled_offered_rps"] == {"baseline": 2 / 2, "fault": 1 / 2, "hold": 0.0}


def test_attempts_are_divided_by_the_requests_that_cross_the_link() -> None:
    """Four browses and two checkouts in the baseline; catalog's two links count as one; nothing asked: no figure."""
    asked = [row(2.0) for _ in range(4)] + [row(2.0, route="checkout") for _ in range(2)] + [row(6.0)]
    tried = metrics(
        sample(5.0, "dependency_attempts_total", 3, 'link="edge-catalog-1",attempt="first"'),
        sample(5.0, "dependency_attempts_total", 1, 'link="edge-catalog-2",attempt="first"'),
        sample(5.0, "dependency_attempts_total", 2, 'link="edge-checkout",attempt="first"'),
        sample(5.0, "dependency_attempts_total", 4, 'link="edge-checkout",attempt="retry"'),
        sample(5.0, "dependency_attempts_total", 9, 'link="elsewhere"'),
        sample(9.0, "dependency_attempts_total", 5, 'link="edge-catalog-1",attempt="first"'),
    )
    found = attempts_per_request(offered(rows(*asked), manifest()), tried, manifest(), windows_of(manifest()))
    assert found == {
        "edge-catalog": {"baseline": 1.0, "fault": 2.0, "hold": None},
        "edge-checkout": {"baseline": 3.0, "fault": None, "hold": None},
    }


def test_users_who_wait_are_requests_too() -> None:
    """Their attempts are counted on the link, so they are no retries of the others."""
    tried = metrics(sample(5.0, "dependency_attempts_total", 2, 'link="edge-catalog-1",attempt="first"'))
    asked = rows(row(2.0), row(2.0, kind="closed"))
    found = arm_figures(asked, tried, manifest(), manifest()["arms"][0])["attempts_per_request"]
    assert found["edge-catalog"]["baseline"] == 1.0


def test_a_link_that_nobody_tried_has_zero_attempts() -> None:
    """A breaker that refuses everything: asked for, not tried."""
    found = attempts_per_request(offered(rows(row(2.0)), manifest()), metrics(), manifest(), windows_of(manifest()))
    assert found["edge-catalog"]["baseline"] == 0.0


def test_origin_loads() -> None:
    """Per expiry before the crowd, all from the crowd on; the total is the database's own count; wanted is apart."""
    ran, wanted = "db_client_operation_duration_seconds_count", "cache_loads_total"
    mine, other = 'db_operation_name="load_item",role="replica"', 'db_operation_name="search_items",role="replica"'
    loads = metrics(
        sample(4.9, ran, 7, mine),
        sample(6.9, ran, 27, mine, process="catalog-1"),
        sample(6.9, ran, 17, mine),
        sample(8.9, ran, 117, mine),
        sample(18.0, ran, 217, mine),
        sample(6.9, ran, 40, other),
        sample(18.0, ran, 4000, other),
        sample(6.9, wanted, 50),
        sample(18.0, wanted, 550),
    )
    run = manifest(
        bursts=[{"route": "browse", "at_s": 2.0, "count": 9, "key": 2, "deadline_s": 6.0}],
        faults=[
            *({"arm": arm, "kind": "expiry", "start_s": at_s} for arm in ("none", "all") for at_s in (5.1, 6.1, 8.0)),
            {"arm": "none", "kind": "toxic", "start_s": 5.0},
        ],
    )
    found = arm_figures(rows(row(2.0)), loads, run, {**NONE, **COUNTED, "origin_total": 250})["origin_loads"]
    assert found == {"total": 250.0, "per_expiry": (27 + 10) / 2, "burst": 200.0, "burst_wanted": 500.0}


def test_origin_loads_without_expiries_or_crowd() -> None:
    """What was not done has no figure; what was not counted has none at all."""
    assert figures(row(2.0), arm={**NONE, **COUNTED, "origin_total": 3})["origin_loads"] == {
        "total": 3.0, "per_expiry": None, "burst": None, "burst_wanted": None,
    }  # fmt: skip
    assert figures(row(2.0))["origin_loads"] is None


def test_decisions_are_the_last_counts_of_all_processes() -> None:
    """By defence and decision; a defence that is on and never decided anything is named."""
    name = "defence_decisions_total"
    told = metrics(
        sample(1, name, 2, 'family="call",defence="retry",decision="retried",dependency="a"'),
        sample(2, name, 5, 'family="call",defence="retry",decision="retried",dependency="a"'),
        sample(2, name, 1, 'family="call",defence="retry",decision="retried",dependency="b"', process="checkout"),
        sample(2, name, 3, 'family="call",defence="retry",decision="exhausted",dependency="a"'),
        sample(2, name, 0, 'family="call",defence="timeout",decision="timed_out",dependency="a"'),
    )
    assert decisions(told) == {"retry": {"exhausted": 3, "retried": 6}, "timeout": {"timed_out": 0}}
    arm = {"name": "all", "defences": ["retry", "timeout", "bulkhead"]}
    found = arm_figures(rows(row(2.0)), told, manifest(), arm)
    assert found["not_exercised"] == ["timeout", "bulkhead"]
    assert found["defences"] == ["retry", "timeout", "bulkhead"]


IDLE = {
    "bulkhead": "admitted",
    "circuit_breaker": "allowed",
    "coalescing": "leader",
    "deadline": "propagated",
}


@pytest.mark.parametrize(("defence", "idle"), IDLE.items())
def test_letting_calls_pass_is_not_being_exercised(defence: str, idle: str) -> None:
    """Which a defence does all day; one decision of another kind is enough."""
    assert not exercised(defence, {idle: 900})
    assert not exercised(defence, {idle: 900, "other": 0})
    assert exercised(defence, {idle: 900, "other": 1})
    told = metrics(sample(2, "defence_decisions_total", 9, f'defence="{defence}",decision="{idle}"'))
    found = arm_figures(rows(row(2.0)), told, manifest(), {"name": "all", "defences": [defence]})
    assert found["not_exercised"] == [defence]


def test_every_decision_of_a_defence_that_only_speaks_up_counts() -> None:
    """Retry and timeout say nothing of calls that pass; what never decided was not exercised."""
    assert exercised("retry", {"retried": 1})
    assert exercised("timeout", {"timed_out": 1})
    assert not exercised("deadline", {"propagated": 5, "accepted": 5})
    assert not exercised("timeout", {})


def test_routes_are_apart_and_without_crowds() -> None:
    """Browse loses one of two in the fault, checkout nothing; a route without requests has zeros."""
    crowd = row(6.0, kind="burst")
    found = figures(row(2.0), row(6.0), row(6.5, outcome="error"), row(6.0, route="checkout"), crowd)["routes"]
    assert found == {
        "browse": {
            "goodput_rps": {"baseline": 1 / 4, "fault": 1 / 4, "hold": 0.0},
            "offered_rps": {"baseline": 1 / 4, "fault": 2 / 4, "hold": 0.0},
        },
        "checkout": {
            "goodput_rps": {"baseline": 0.0, "fault": 1 / 4, "hold": 0.0},
            "offered_rps": {"baseline": 0.0, "fault": 1 / 4, "hold": 0.0},
        },
    }


def test_no_requests_and_no_metrics_give_zeros_and_nones() -> None:
    """An arm that was interrupted at once still has figures."""
    found = figures()
    assert [found["goodput_rps"][phase] for phase in MEASURED] == [0, 0, 0]
    assert found["recovery_s"] is None
    assert (found["decisions"], found["ledger"]) == ({}, {})


def test_the_ledger_is_passed_on() -> None:
    """As the lab counted it."""
    ledger = {"orders": 2, "charges": 3, "duplicate_charges": 1}
    assert figures(row(2.0), arm={**NONE, "ledger": ledger})["ledger"] == ledger


def test_offered_keeps_every_column() -> None:
    """Rows without a latency are not good, and nothing else is lost."""
    frame = offered(rows(row(2.0, latency_ms=None), row(2.0)), manifest())
    assert frame.get_column("good").to_list() == [False, True]
    assert frame.drop("good").equals(rows(row(2.0, latency_ms=None), row(2.0)))
    assert isinstance(frame.schema["good"], pl.Boolean)
