"""The error budget: what an outage takes of it."""

from typing import Any

import pytest

from rulezero.analysis.budget import MONTH_S, budget

LENGTHS_S = {"baseline": 10.0, "fault": 10.0, "hold": 30.0}


def figures(
    fault_good: float, hold_good: float, *, offered: float = 100.0, before: float = 100.0, back_s: float | None = 2.0
) -> dict[str, Any]:
    return {
        "recovery_s": back_s,
        "offered_rps": {"baseline": before, "fault": offered, "hold": offered},
        "goodput_rps": {"baseline": before, "fault": fault_good, "hold": hold_good},
    }


def test_burnt_is_times_what_is_allowed() -> None:
    """1,000 of 4,000 were bad, 40 were allowed; at 100 a second a month allows 2,592,000."""
    found = budget(figures(0.0, 100.0), LENGTHS_S, 0.99)
    assert found["burnt"] == pytest.approx(25)
    assert found["month_share"] == pytest.approx(1000 / (MONTH_S * 100 * 0.01))
    assert found["outages_a_month"] == pytest.approx(2592)
    assert found["objective"] == 0.99


def test_a_stricter_promise_burns_faster() -> None:
    """Ten times less is allowed, so ten times as much is burnt."""
    lax, strict = (budget(figures(50.0, 90.0), LENGTHS_S, objective) for objective in (0.99, 0.999))
    for key in ("burnt", "month_share"):
        assert (strict[key] or 0) / (lax[key] or 1) == pytest.approx(10)
    assert (lax["outages_a_month"] or 0) / (strict["outages_a_month"] or 1) == pytest.approx(10)


def test_a_crowd_is_held_against_what_was_offered() -> None:
    """A month's budget goes by the load of all days, not by that of the crowd."""
    found = budget(figures(0.0, 0.0, offered=300.0), LENGTHS_S, 0.99)
    assert found["burnt"] == pytest.approx(100)
    assert found["month_share"] == pytest.approx(300 * 40 / (MONTH_S * 100 * 0.01))


def test_nothing_burnt_may_happen_any_number_of_times() -> None:
    """So there is no number."""
    assert budget(figures(100.0, 100.0), LENGTHS_S, 0.99) == {
        "objective": 0.99,
        "burnt": 0.0,
        "month_share": 0.0,
        "outages_a_month": None,
        "ended": True,
    }


def test_an_outage_that_did_not_end_cannot_be_counted() -> None:
    """It was watched for 40 s and then nobody looked any more: a month affords nobody knows how many."""
    found = budget(figures(0.0, 0.0, back_s=None), LENGTHS_S, 0.99)
    assert (found["outages_a_month"], found["ended"]) == (None, False)
    assert found["burnt"] == pytest.approx(100)


def test_without_a_baseline_there_is_no_month() -> None:
    """What was burnt is known, its share of a month is not; with nothing offered at all neither is divided by zero."""
    found = budget(figures(0.0, 0.0, before=0.0), LENGTHS_S, 0.99)
    assert found["burnt"] == pytest.approx(100)
    assert (found["month_share"], found["outages_a_month"]) == (None, None)
    assert budget(figures(0.0, 0.0, offered=0.0, before=0.0), LENGTHS_S, 0.99)["burnt"] == 0.0
