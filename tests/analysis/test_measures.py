"""The measures that arms are compared by: from what a verdict says of one arm."""

import json
from pathlib import Path
from typing import Any

import pytest

from rulezero.analysis.measures import GOODPUT, MEASURES, measure_named, measured
from rulezero.errors import UsageProblem
from tests.cli.made_verdicts import figures

KEPT = Path(__file__).parents[2] / "docs/records/cascading_failure/verdict.json"


def arm(**changes: Any) -> dict[str, Any]:
    return {**figures("none", 0.6, None), **changes}


def test_every_measure_has_a_name_of_its_own() -> None:
    """And a text, and is found by its name; goodput is the first."""
    names = [each.name for each in MEASURES]
    assert len(set(names)) == len(names)
    assert MEASURES[0] is GOODPUT
    assert all(each.text and measure_named(each.name) is each for each in MEASURES)


def test_a_measure_that_does_not_exist() -> None:
    """One line with those that do."""
    with pytest.raises(UsageProblem, match="there is no measure 'speed'; there are: goodput, goodput_fault, "):
        measure_named("speed")


def test_goodput_is_what_was_good_of_what_was_offered() -> None:
    """In fault and hold together and in each, whatever it was before; each request counts once."""
    uneven = arm(
        goodput_rps={"baseline": 80.0, "fault": 20.0, "hold": 80.0},
        outcomes={"baseline": {"ok": 1}, "fault": {"ok": 100, "error": 200}, "hold": {"ok": 100}},
    )
    found = measured(uneven)
    assert found["goodput_fault"] == pytest.approx(0.2)
    assert found["goodput_hold"] == pytest.approx(0.8)
    assert found["goodput"] == pytest.approx((300 * 0.2 + 100 * 0.8) / 400)


def test_an_arm_that_never_recovered_took_the_whole_hold() -> None:
    """So that pairs in which one recovered can be compared."""
    assert measured(arm())["recovery_s"] == 10.0
    assert measured(arm(recovery_s=2.5))["recovery_s"] == 2.5


def test_amplification_is_that_of_the_worst_link_from_the_fault_on() -> None:
    """The baseline's does not count, nor a link that nobody crossed."""
    links = {
        "a": {"baseline": 9.0, "fault": 1.0, "hold": 3.0},
        "b": {"baseline": 1.0, "fault": 2.0, "hold": None},
    }
    assert measured(arm(attempts_per_request=links))["amplification"] == 3.0
    nothing = {"a": {"baseline": 1.0, "fault": None, "hold": None}}
    assert measured(arm(attempts_per_request=nothing))["amplification"] is None


def test_dead_work_is_that_of_the_worst_service() -> None:
    """None where no service was busy in the hold."""
    work = {"edge": {"share": {"hold": 0.7}}, "payment": {"share": {"hold": 0.1}}, "mailer": {"share": {"hold": None}}}
    assert measured(arm(dead_work=work))["dead_work_hold"] == 0.7
    assert measured(arm())["dead_work_hold"] is None


def test_what_an_arm_cannot_say_is_none() -> None:
    """Without good answers no percentile, without a cache no loads."""
    found = measured(arm(latency_ms={phase: {"p99": None} for phase in ("baseline", "fault", "hold")}))
    assert (found["p99_fault_ms"], found["p99_hold_ms"], found["origin_loads"]) == (None, None, None)
    assert measured(arm(origin_loads={"total": 7.0}))["origin_loads"] == 7.0


def test_a_real_verdict_has_them_all() -> None:
    """Of the record that the README's picture is from: every arm says its goodput, recovery and amplification."""
    for one in json.loads(KEPT.read_text(encoding="utf-8"))["arms"]:
        found = measured({"budget": {"burnt": 1.0}, "lengths_s": {"hold": 14.0}, **one})
        assert set(found) == {each.name for each in MEASURES}
        assert all(found[name] is not None for name in ("goodput", "recovery_s", "amplification"))
