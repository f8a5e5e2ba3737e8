"""Checks: relative to the offered load and the arm's own baseline, with the numbers in the sentence."""

from typing import Any

import pytest

from rulezero.checks import control_fails, figure_within, good_after_onset, keeps_goodput, kept, loses_goodput
from rulezero.experiment import Figures

SECONDS = {"baseline": 4, "fault": 5, "hold": 15}


def figures(good: tuple[float, float, float], offered: tuple[float, float, float] = (10, 10, 10)) -> dict[str, Any]:
    phases = ("baseline", "fault", "hold")
    return {
        "goodput_rps": dict(zip(phases, good, strict=True)),
        "offered_rps": dict(zip(phases, offered, strict=True)),
        "outcomes": {phase: {"ok": rate_rps * SECONDS[phase]} for phase, rate_rps in zip(phases, offered, strict=True)},
    }


def test_kept_is_relative_to_the_baseline() -> None:
    """8 of 10 before, 4 of 10 in the fault: half was kept."""
    assert kept(figures((8, 4, 8)), "fault") == pytest.approx(0.5)
    assert kept(figures((8, 4, 8)), "hold") == 1.0


def test_kept_allows_for_the_offered_load() -> None:
    """A crowd that is answered in full is no gain, and one that is not is a loss: shares, not rates."""
    assert kept(figures((10, 40, 10), (10, 40, 10)), "fault") == 1.0
    assert kept(figures((10, 10, 10), (10, 40, 10)), "fault") == pytest.approx(0.25)


def test_good_after_onset_is_the_mean_of_fault_and_hold() -> None:
    """What users saw from the fault on: each request counts once, so the longer phase and a crowd weigh more."""
    assert good_after_onset(figures((10, 2, 6))) == pytest.approx((2 * 5 + 6 * 15) / (10 * 20))
    assert good_after_onset(figures((10, 0, 10), (10, 90, 10))) == pytest.approx(10 * 15 / (90 * 5 + 10 * 15))


def test_what_an_arm_lost_before_the_fault_is_no_excuse() -> None:
    """A defence that refuses a tenth on calm days has not kept everything: users had nine tenths."""
    assert good_after_onset(figures((9, 9, 9))) == pytest.approx(0.9)
    assert kept(figures((9, 9, 9)), "hold") == 1.0


def test_an_arm_that_ended_before_the_fault_kept_nothing() -> None:
    """No request from the fault on is not a division by zero."""
    assert good_after_onset(figures((10, 0, 0), (10, 0, 0))) == 0.0


@pytest.mark.parametrize("good", [(0, 0, 0), (0, 5, 5)])
def test_without_goodput_in_the_baseline_nothing_is_kept(good: tuple[float, float, float]) -> None:
    """Nothing to compare with is not a division by zero, nor a gain."""
    assert kept(figures(good), "fault") == kept(figures(good), "hold") == 0.0


@pytest.mark.parametrize("offered", [(0, 0, 0), (0, 10, 10), (10, 0, 0), (10, 10, 0)])
def test_a_phase_in_which_nothing_was_offered_kept_nothing(offered: tuple[float, float, float]) -> None:
    """A run that was interrupted before a phase began has no load in it."""
    good = (min(8.0, offered[0]), min(8.0, offered[1]), min(8.0, offered[2]))
    assert kept(figures(good, offered), "hold") == 0.0


@pytest.mark.parametrize(("in_fault", "held"), [(4.9, True), (5, True), (5.1, False)])
def test_the_control_fails_at_or_below_its_limit(in_fault: float, *, held: bool) -> None:
    """A control that does not fail shows nothing of the defences."""
    check = control_fails("none", phase="fault", at_most=0.5)
    result = check.judge({"none": figures((10, in_fault, 10))})
    assert (result.held, check.control, check.arms) == (held, True, ("none",))


@pytest.mark.parametrize(("in_hold", "held"), [(8.9, False), (9, True), (9.1, True)])
def test_an_arm_keeps_its_goodput_at_or_above_its_limit(in_hold: float, *, held: bool) -> None:
    """The limit itself is enough."""
    check = keeps_goodput("all", phase="hold", at_least=0.9)
    result = check.judge({"none": figures((10, 0, 0)), "all": figures((10, 0, in_hold))})
    assert (result.held, check.control, check.arms) == (held, False, ("all",))


@pytest.mark.parametrize(("in_fault", "held"), [(8.9, True), (9, True), (9.1, False)])
def test_an_arm_that_is_predicted_to_fail_loses_goodput(in_fault: float, *, held: bool) -> None:
    """The limit itself is enough; it is a claim, not the control's."""
    check = loses_goodput("naive", phase="fault", at_most=0.9)
    result = check.judge({"naive": figures((10, in_fault, 10))})
    assert (result.held, check.control, check.arms) == (held, False, ("naive",))


def test_a_claim_may_speak_of_one_route() -> None:
    """Checkout is lost and browsing is not: the arm as a whole fails, the route holds."""
    arm = figures((10, 5, 10)) | {"routes": {"browse": figures((8, 8, 8), (8, 8, 8)), "checkout": figures((2, 0, 2))}}
    for route, kept_it in ((None, False), ("browse", True), ("checkout", False)):
        assert keeps_goodput("all", phase="fault", at_least=0.9, route=route).judge({"all": arm}).held is kept_it
        assert loses_goodput("all", phase="fault", at_most=0.9, route=route).judge({"all": arm}).held is not kept_it


def test_sentences_say_arm_phase_and_numbers() -> None:
    """A reader sees by how much a check held."""
    arms = {"none": figures((10, 2, 3)) | {"routes": {"browse": figures((5, 4, 5))}}}
    told = [
        check.judge(arms).text
        for check in (
            control_fails("none", phase="fault", at_most=0.5),
            keeps_goodput("none", phase="hold", at_least=0.9),
            loses_goodput("none", phase="hold", at_most=0.9),
            keeps_goodput("none", phase="fault", at_least=0.9, route="browse"),
        )
    ]
    assert told == [
        "none kept 20% of its baseline's good share in fault (a control must fall to 50%)",
        "none kept 30% of its baseline's good share in hold (at least 90%)",
        "none kept 30% of its baseline's good share in hold (at most 90% was predicted)",
        "none kept 80% of its baseline's good share on browse in fault (at least 90%)",
    ]


def p99_s(figures: Figures) -> float | None:
    found: float | None = figures["p99_s"]
    return found


@pytest.mark.parametrize(
    ("bounds", "value", "held"),
    [
        ({"at_least": 0.8}, 0.79, False),
        ({"at_least": 0.8}, 0.8, True),
        ({"at_least": 0.8}, 8e9, True),
        ({"at_most": 0.25}, 0.25, True),
        ({"at_most": 0.25}, 0.26, False),
        ({"at_most": 0.25}, -1.0, True),
        ({"at_most": 0}, 0, True),
        ({"at_least": 1, "at_most": 2}, 0.9, False),
        ({"at_least": 1, "at_most": 2}, 1.5, True),
        ({"at_least": 1, "at_most": 2}, 2.1, False),
    ],
)
def test_a_figure_lies_within_its_bounds(bounds: dict[str, Any], value: float, *, held: bool) -> None:
    """The limits themselves do; it is asked of its own arm alone."""
    check = figure_within("all", "p99 in the fault, s", p99_s, **bounds)
    assert check.judge({"none": {"p99_s": -99.0}, "all": {"p99_s": value}}).held is held
    assert (check.arms, check.control) == (("all",), False)


@pytest.mark.parametrize("bounds", [{"at_least": 0.0}, {"at_most": 9.0}])
def test_a_figure_that_could_not_be_measured_lies_nowhere(bounds: dict[str, Any]) -> None:
    """Neither is NaN within any bound."""
    check = figure_within("all", "p99 in the fault, s", p99_s, **bounds)
    result = check.judge({"all": {"p99_s": None}})
    assert not result.held
    assert result.text.startswith("all: p99 in the fault, s could not be measured (at ")
    assert not check.judge({"all": {"p99_s": float("nan")}}).held


def test_a_figure_may_be_what_the_control_must_show() -> None:
    """An experiment whose control does not lose goodput."""
    assert figure_within("none", "p99, s", p99_s, at_least=1, control=True).control


@pytest.mark.parametrize(
    ("bounds", "value", "text"),
    [
        ({"at_least": 0.8}, 1.2345, "none: p99, s: 1.23 (at least 0.8)"),
        ({"at_most": 0.06}, 0.0512, "none: p99, s: 0.0512 (at most 0.06)"),
        ({"at_most": 20}, 1234.5, "none: p99, s: 1,234 (at most 20)"),
        ({"at_least": 1, "at_most": 2000}, 15, "none: p99, s: 15 (at least 1, at most 2,000)"),
    ],
)
def test_figures_say_their_numbers_as_people_write_them(bounds: dict[str, Any], value: float, text: str) -> None:
    """With every bound there is."""
    assert figure_within("none", "p99, s", p99_s, **bounds).judge({"none": {"p99_s": value}}).text == text
