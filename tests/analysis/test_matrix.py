"""A matrix: who carries the effect, and which pair fights."""

import msgspec
import pytest

from rulezero.analysis.matrix import matrix
from tests.analysis.matrices import additive, pairs_of, series

TIMEOUT_DEADLINE = ("timeout", "deadline")


def test_one_carries_and_nothing_fights() -> None:
    """What adds up is no interaction, and taking out what does nothing loses nothing."""
    found = matrix(series(additive(timeout=0.6)))
    assert found["summary"] == "timeout carries the effect. No pair fights."
    assert found["alone"]["timeout"]["mean"] == pytest.approx(0.6, abs=0.01)
    assert [found["alone"][name]["says"] for name in found["defences"]] == ["better", "nothing", "nothing"]
    assert [found["without"][name]["says"] for name in found["defences"]] == ["better", "nothing", "nothing"]
    assert set(pairs_of(found).values()) == {"adds up"}


def test_two_that_save_the_same_overlap() -> None:
    """Less than the sum, and no fight: what is saved cannot be saved twice."""
    found = matrix(series(lambda on: 1.0 if on & {"timeout", "deadline"} else 0.2))
    assert pairs_of(found)[TIMEOUT_DEADLINE] == "overlaps"
    assert found["summary"] == (
        "No single defence carries the effect: any one can be left out, and timeout and deadline do it alone. "
        "No pair fights."
    )


def test_two_that_do_worse_together_than_one_of_them_fight() -> None:
    """Whatever the other alone does."""
    found = matrix(series(lambda on: 0.3 if on >= {"timeout", "retry"} else 0.9 if "timeout" in on else 0.2))
    assert pairs_of(found)["timeout", "retry"] == "fights"
    assert found["pairs"][1]["than_alone"]["timeout"]["mean"] == pytest.approx(-0.6, abs=0.01)
    assert "timeout and retry fight." in found["summary"]
    assert found["without"]["retry"]["says"] == "worse"
    assert "All do better without retry." in found["summary"]


def test_two_that_work_only_together_reinforce_each_other() -> None:
    """As a breaker and the timeout that it needs."""
    found = matrix(series(lambda on: 0.9 if on >= {"timeout", "deadline"} else 0.2))
    assert pairs_of(found)[TIMEOUT_DEADLINE] == "reinforces"
    assert found["summary"] == "timeout and deadline carry the effect. No pair fights."


def test_a_harmful_defence_does_not_fight_with_everybody() -> None:
    """It harms by itself; beside others it takes what it takes alone."""
    found = matrix(series(lambda on: 0.8 - (0.5 if "retry" in on else 0.0)))
    assert set(pairs_of(found).values()) == {"adds up"}
    assert found["alone"]["retry"]["says"] == "worse"
    assert found["summary"] == (
        "retry alone does harm. All together do harm. All do better without retry. No pair fights."
    )


def test_a_yardstick_of_which_less_is_better_is_turned() -> None:
    """Differences are gains; what an arm measured is told as it is."""
    found = matrix(series(lambda on: 20.0 if "timeout" in on else 100.0, yardstick="loads"))
    assert found["alone"]["timeout"]["mean"] == pytest.approx(80.0, abs=0.01)
    assert found["arms"][0]["mean"] == pytest.approx(100.0, abs=0.01)
    assert found["floor"] == pytest.approx(5.0, abs=0.01)
    assert found["summary"].startswith("timeout carries the effect.")


def test_too_few_rounds_say_so() -> None:
    """One round has differences and no ranges; the sentence says how many there were."""
    found = matrix(series(additive(timeout=0.6), rounds=1))
    assert found["alone"]["timeout"]["low"] is None
    assert found["alone"]["timeout"]["mean"] == pytest.approx(0.6, abs=0.01)
    assert found["summary"] == (
        "Which defence carries the effect is not clear after 1 valid round. "
        "3 of 3 pairs are not clear after 1 valid round."
    )


def test_a_small_effect_is_none() -> None:
    """One below the floor is not called, however sure."""
    found = matrix(series(additive(timeout=0.02)))
    assert found["summary"] == "All together change nothing. No pair fights."


def test_a_floor_is_no_margin() -> None:
    """What a noisy machine cannot tell from noise is not clear, and never none; what it can is called."""
    noisy = matrix(series(additive(timeout=0.1), floor=0.15))
    assert noisy["alone"]["timeout"]["says"] == noisy["without"]["timeout"]["says"] == "not clear"
    assert noisy["alone"]["retry"]["says"] == "nothing"
    assert (noisy["floor"], noisy["margin"], noisy["floor_measured"]) == (0.15, 0.05, True)
    assert noisy["summary"] == "Which defence carries the effect is not clear after 4 valid rounds. No pair fights."
    assert matrix(series(additive(timeout=0.3), floor=0.15))["alone"]["timeout"]["says"] == "better"


def test_a_quiet_machine_can_say_that_there_is_none() -> None:
    """What is surely not notable is none, though less can be told from noise; and so little is called."""
    assert matrix(series(additive(), floor=0.001))["alone"]["timeout"]["says"] == "nothing"
    assert matrix(series(additive(timeout=0.03), floor=0.01))["alone"]["timeout"]["says"] == "better"


def test_arms_that_all_measured_nothing_do_not_differ() -> None:
    """A yardstick of 0 has a margin of 0."""
    asked = series(additive(), yardstick="loads")
    asked.entries = [
        msgspec.structs.replace(entry, yardsticks=dict.fromkeys(entry.yardsticks, 0.0)) for entry in asked.entries
    ]
    found = matrix(asked)
    assert {one["says"] for one in (*found["alone"].values(), *found["without"].values())} == {"nothing"}
    assert found["summary"] == "All together change nothing. No pair fights."


def test_who_does_harm_alone_comes_first() -> None:
    """Though others mask it, so that all together lose nothing by it."""
    found = matrix(series(lambda on: 0.9 if "timeout" in on else 0.1 if "retry" in on else 0.5))
    assert found["without"]["retry"]["says"] == "nothing"
    assert found["summary"].startswith("retry alone does harm. timeout carries the effect.")
    both = matrix(series(lambda on: 0.5 - 0.2 * len(on & {"retry", "deadline"})))
    assert both["summary"].startswith("deadline and retry alone each do harm. All together do harm.")


def test_a_defence_that_did_nothing_is_named() -> None:
    """When it never decided anything, in whatever company."""
    idle = {"retry_alone": ["retry"], "timeout+retry": ["retry", "timeout"], "timeout_alone": []}
    assert matrix(series(additive(), rounds=1, not_exercised=idle))["not_exercised"] == ["retry"]
    assert matrix(series(additive(), rounds=1))["not_exercised"] == []


def test_invalid_rounds_do_not_count() -> None:
    """They are told, with the reason."""
    found = matrix(series(additive(timeout=0.6), rounds=3, valid=False, reasons=["busy"]))
    assert found["rounds"] == found["arms"][0]["rounds"] == found["alone"]["timeout"]["rounds"] == 2
    assert found["invalid"] == [{"round": "round-3", "reasons": ["busy"]}]


@pytest.mark.parametrize("rounds", [0, 3])
def test_what_was_not_measured_is_not_made_up(rounds: int) -> None:
    """A series that has not begun, and an arm that cannot say."""
    found = matrix(series(lambda _: None, rounds=rounds))
    assert found["alone"]["timeout"] == {"mean": None, "low": None, "high": None, "rounds": 0, "says": "not clear"}
    assert found["arms"][0]["mean"] is None
    assert "not clear" in found["summary"]


def test_two_defences_are_a_matrix() -> None:
    """All is the pair, and all but one are the others alone."""
    found = matrix(series(additive(timeout=0.3, retry=0.3), defences=("timeout", "retry")))
    assert len(found["arms"]) == 4
    assert found["summary"] == "timeout and retry carry the effect. No pair fights."
