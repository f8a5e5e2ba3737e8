"""The figures of an arm in which nothing was wrong, from frames small enough to check by hand."""

from dataclasses import replace
from typing import Any

import pytest

from rulezero.analysis.price_figures import price_figures
from rulezero.errors import UsageProblem
from rulezero.record import Record
from tests.analysis.frames import metrics, row, rows, sample
from tests.analysis.records import record

# 1 to 19 s are measured: 18 s of four requests each.
REQUESTS = 72


def arm_of(
    *samples: dict[str, Any], requests: list[dict[str, Any]] | None = None, verdict: dict[str, Any] | None = None
) -> Record:
    """Return a record of one arm, named after a defence."""
    found = record({"timeout": range(0)}, control="timeout")
    told = {"invalid_reasons": [], "validity": []} if verdict is None else verdict
    seen = found.rows if requests is None else rows(*({**one, "arm": "timeout"} for one in requests))
    return replace(found, rows=seen, metrics=metrics(*({**one, "arm": "timeout"} for one in samples)), verdict=told)


def cores(busy: float, part: str) -> list[dict[str, Any]]:
    return [
        sample(second + 0.5, "machine_process_cores", busy, f'part="{part}"', process="machine") for second in range(19)
    ]


def test_cpu_is_per_request_and_without_the_generator() -> None:
    """That of the services, and of all but the generator, in milliseconds."""
    figures = price_figures(
        arm_of(*cores(0.2, "edge"), *cores(0.1, "catalog-1"), *cores(0.3, "cache"), *cores(9, "locust"))
    )
    assert figures["timeout"]["cpu_services_ms"] == pytest.approx(0.3 * 18 * 1000 / REQUESTS)
    assert figures["timeout"]["cpu_ms"] == pytest.approx(0.6 * 18 * 1000 / REQUESTS)


def test_calls_are_those_on_all_links() -> None:
    """Those of the warm-up are not counted."""
    attempts = [
        sample(at_s, "dependency_attempts_total", value, f'link="{link}"')
        for link in ("edge-catalog-1", "edge-checkout")
        for at_s, value in ((1.0, 50.0), (19.0, 50.0 + 36.0))
    ]
    assert price_figures(arm_of(*attempts))["timeout"]["calls"] == pytest.approx(1.0)


def test_decisions_are_those_of_the_arms_own_defence() -> None:
    """Per thousand requests, by name; what another defence decided is its own affair."""
    told = [
        sample(19.0, "defence_decisions_total", count, f'family="calls",defence="{defence}",decision="{decision}"')
        for defence, decision, count in (("timeout", "timed_out", 9.0), ("retry", "scheduled", 5.0))
    ]
    figures = price_figures(arm_of(*told))["timeout"]
    assert figures["false_trips"] == pytest.approx(1000 * 9 / REQUESTS)
    assert figures["decided timed_out"] == figures["false_trips"]
    assert figures["acts"] == 0
    assert "decided scheduled" not in figures


def test_latency_is_of_good_answers_after_the_warm_up() -> None:
    """Failures and the warm-up say nothing of it."""
    requests = [
        row(0.5, latency_ms=900.0),
        *(row(2.0 + index, latency_ms=10.0 + index) for index in range(5)),
        row(8.0, outcome="timeout", latency_ms=1000.0),
    ]
    figures = price_figures(arm_of(requests=requests))["timeout"]
    assert figures["p50_ms"] == pytest.approx(12.0)
    assert figures["p99_ms"] == pytest.approx(13.96)
    assert figures["good"] == pytest.approx(5 / 6)


def test_nothing_is_made_up() -> None:
    """Without samples there is no CPU time; without requests nothing at all."""
    figures = price_figures(arm_of())["timeout"]
    assert (figures["cpu_services_ms"], figures["cpu_ms"], figures["calls"]) == (None, None, 0.0)
    nobody = price_figures(arm_of(requests=[row(0.5)]))["timeout"]
    assert {name for name, value in nobody.items() if value is not None} == set()


def test_an_arm_whose_own_checks_failed_does_not_count() -> None:
    """The others do: they began with fresh services."""
    failed = {"arm": "timeout", "ok": False}
    passed = {"arm": "timeout", "ok": True}
    assert price_figures(arm_of(verdict={"invalid_reasons": ["x"], "validity": [failed]})) == {}
    assert set(price_figures(arm_of(verdict={"invalid_reasons": ["x"], "validity": [{**failed, "arm": "retry"}]})))
    assert set(price_figures(arm_of(verdict={"invalid_reasons": [], "validity": [passed]})))


@pytest.mark.parametrize("verdict", [{}, {"invalid_reasons": ["the run was interrupted"], "validity": []}])
def test_a_run_that_is_no_run_has_no_figures(verdict: dict[str, Any]) -> None:
    """Interrupted, or not judged."""
    assert price_figures(arm_of(verdict=verdict)) == {}


def test_a_manifest_that_lacks_something_is_told() -> None:
    """In one line."""
    broken = arm_of()
    with pytest.raises(UsageProblem, match="windows"):
        price_figures(replace(broken, manifest={**broken.manifest, "windows": []}))
