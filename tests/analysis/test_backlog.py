"""The law of the backlog: numbers that can be checked by hand. Baseline from 1 s, fault from 5 to 9 s, hold to 19 s."""

import math
from typing import Any

import pytest

from rulezero.analysis.backlog import STEP_S, Backlog, law
from rulezero.analysis.figures import windows_of
from tests.analysis.frames import manifest

WINDOWS = windows_of(manifest())


def figures(offered_rps: float = 40.0, **capacity_rps: float | None) -> dict[str, Any]:
    rates = dict.fromkeys(("baseline", "fault", "hold"), offered_rps)
    return {
        "published_rps": {"accepted": rates, "refused": dict.fromkeys(rates, 0.0)},
        "capacity_rps": {"baseline": 80.0, "fault": 20.0, "hold": 80.0} | capacity_rps,
    }


def at(t_s: float, **changes: Any) -> Backlog:
    (found,) = (one for one in law(figures(), WINDOWS, **changes) if one.t_s == t_s)
    return found


def test_it_covers_the_measured_phases_step_by_step() -> None:
    """Told at the end of each step."""
    found = list(law(figures(), WINDOWS))
    assert [found[0].t_s, found[-1].t_s] == [1 + STEP_S, 19]
    assert len(found) == 18 / STEP_S


def test_nothing_waits_while_more_can_be_done_than_comes() -> None:
    """As before the fault."""
    assert at(5.0) == (5.0, 0.0, 0.0)


def test_a_backlog_grows_by_the_difference_and_ages_by_its_depth() -> None:
    """20 a second for 4 s are 80, and the oldest is 80 / 40 = 2 s old."""
    assert at(9.0).depth == pytest.approx(80)
    assert at(9.0).oldest_s == pytest.approx(2.0, abs=STEP_S)


def test_it_drains_by_what_is_left_over() -> None:
    """80 / (80 - 40) = 2 s after the fault."""
    assert at(10.0).depth == pytest.approx(40)
    assert at(11.0).depth == pytest.approx(0)
    assert at(11.5).oldest_s == 0


def test_while_the_consumer_is_dead_nothing_is_done() -> None:
    """One second of 20 more."""
    assert at(9.0, downs=[(6.0, 7.0)]).depth == pytest.approx(100)
    assert at(7.0, downs=[(6.0, 7.0)]).oldest_s >= 1.0


def test_a_bound_is_never_passed() -> None:
    """Full after two seconds; from then on as much comes in as goes out, and the oldest is bound / capacity old."""
    bounded = [one for one in law(figures(), WINDOWS, max_msgs=40) if one.t_s <= 9]
    assert max(one.depth for one in bounded) == pytest.approx(40)
    assert bounded[-1].depth == pytest.approx(40)
    assert bounded[-1].oldest_s == pytest.approx(40 / 20, abs=2 * STEP_S)


def test_a_consumer_that_nobody_saw_does_nothing() -> None:
    """Its capacity is not known, and nothing was seen to go."""
    found = list(law(figures(fault=None), WINDOWS))
    assert max(one.depth for one in found if one.t_s <= 9) == pytest.approx(160)
    assert not any(math.isnan(value) for one in found for value in one)
