"""The gate: rules as people type them, the change that each counts, and what cannot be said."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.analysis.gate import compare, exit_status, parse_rule
from rulezero.analysis.snapshot import Snapshot
from rulezero.errors import UsageProblem


def snapshot(*, reasons: tuple[str, ...] = (), experiment: str = "e", **arms: dict[str, float | None]) -> Snapshot:
    return Snapshot(experiment=experiment, runs=1, arms=dict(arms), reasons=list(reasons))


@pytest.mark.parametrize(
    ("rule", "before", "now", "held"),
    [
        ("goodput_hold < -5%", 0.90, 0.86, True),
        ("goodput_hold < -5%", 0.90, 0.85, True),  # Five points are not more than five.
        ("goodput_hold < -5%", 0.90, 0.84, False),
        ("goodput_hold < -0.05", 0.90, 0.84, False),
        ("goodput_hold<-5%", 0.10, 0.99, True),
        ("p99_hold_ms > 20%", 100.0, 119.0, True),
        ("p99_hold_ms > +20%", 100.0, 121.0, False),
        ("p99_hold_ms > 20", 100.0, 119.0, True),
        ("p99_hold_ms > 20", 100.0, 121.0, False),
        ("recovery_s > 1.5", 0.0, 1.6, False),
        ("dead_work_hold > 5%", 0.0, 0.06, False),  # Points, so that a baseline of 0 is one.
        ("origin_loads > 10%", 0.0, 0.0, True),
        ("amplification > 0%", 1.1, 1.1, True),
    ],
)
def test_a_rule_fails_beyond_its_limit(rule: str, before: float, now: float, held: bool) -> None:  # noqa: FBT001 - a column of the table.
    """Points for shares, percent of the baseline for the rest, the measure's own unit without %."""
    parsed = parse_rule(rule)
    name = parsed.measure.name
    (case,) = compare([parsed], snapshot(a={name: before}), snapshot(a={name: now}))
    assert case.held is held
    assert exit_status([case]) == (0 if held else 1)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("", "is no rule"),
        ("goodput", "is no rule"),
        ("goodput < five", "is no rule"),
        ("goodput < 1.2.3", "is no rule"),
        ("goodput = 5%", "is no rule"),
        ("goodput < -5% or so", "is no rule"),
        ("speed < -5%", "there is no measure 'speed'"),
        ("goodput > 5%", "gets better; write goodput <"),
        ("recovery_s < -20%", "gets better; write recovery_s >"),
        ("goodput_hold < -5", r"a change of -500 points, which no share can make; did you mean '< -5%'\?$"),
        ("none.goodput < -1", r"did you mean '< -1%'\?$"),
        ("dead_work_hold > 7.5", r"did you mean '> 7.5%'\?$"),
        ("dead_work_hold > 100%", "a change of 100 points, which no share can make; write a limit of less than 100%"),
        ("goodput < -500%", "write a limit of less than 100%"),
        ("goodput < -500", "write a limit of less than 100%"),
    ],
)
def test_a_rule_that_is_none_is_refused(rule: str, told: str) -> None:
    """With what to write: one that could never fail would pass for a gate."""
    with pytest.raises(UsageProblem, match=told):
        parse_rule(rule)


@pytest.mark.parametrize("rule", ["goodput < -0.99", "goodput < -99.9%", "recovery_s > 5", "p99_hold_ms > 300%"])
def test_large_limits_that_can_fail_are_rules(rule: str) -> None:
    """Just below the whole of a share, and of what has no whole."""
    assert parse_rule(rule).text == rule


@pytest.mark.parametrize(
    ("definition", "target", "told"),
    [
        ("b" * 64, "embedded", "another definition (aaaaaaaaaaaa, now bbbbbbbbbbbb); save a new one with --save"),
        ("a" * 64, "compose", "another target (embedded, now compose); save a new one with --save"),
        (None, "compose", "another definition (aaaaaaaaaaaa, now unknown) and target (embedded, now compose); save"),
    ],
)
def test_what_was_measured_otherwise_is_not_compared(definition: str | None, target: str, told: str) -> None:
    """It would be the change of the experiment or of the target that fails, or hides a failure."""
    before = Snapshot(
        experiment="e", runs=1, arms={"a": {"goodput": 0.9}}, definition="a" * 64, target="embedded"
    )  # fmt: skip
    now = msgspec.structs.replace(before, definition=definition, target=target, arms={"a": {"goodput": 0.1}})
    cases = compare([parse_rule("goodput < -5%")], before, now)
    assert told in cases[0].reason
    assert exit_status(cases) == 2
    same = msgspec.structs.replace(now, definition=before.definition, target=before.target)
    assert exit_status(compare([parse_rule("goodput < -5%")], before, same)) == 1


def test_a_rule_speaks_of_all_arms_or_of_one() -> None:
    """Also of arms that only one of the two has, and that cannot be said."""
    before = snapshot(none={"goodput": 0.4}, timeout={"goodput": 0.9}, gone={"goodput": 0.9})
    now = snapshot(none={"goodput": 0.1}, timeout={"goodput": 0.9}, added={"goodput": 0.9})
    every = compare([parse_rule("goodput < -5%")], before, now)
    assert {case.arm: case.held for case in every} == {"none": False, "timeout": True, "gone": None, "added": None}
    (one,) = compare([parse_rule("timeout.goodput < -5%")], before, now)
    assert (one.arm, one.held) == ("timeout", True)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (snapshot(a={"p99_hold_ms": 1.0}), snapshot(a={"p99_hold_ms": None}), "not measured in the run"),
        (snapshot(a={}), snapshot(a={"p99_hold_ms": 1.0}), "not measured in the baseline"),
        (snapshot(a={"p99_hold_ms": 0.0}), snapshot(a={"p99_hold_ms": 1.0}), "baseline of 0"),
        (snapshot(), snapshot(a={"p99_hold_ms": 1.0}), "the baseline has no arm a"),
        (snapshot(), snapshot(), "the baseline has no arm no arm"),
        (snapshot(a={"p99_hold_ms": 1.0}), snapshot(a={"p99_hold_ms": 9.0}, reasons=("late",)), "run is invalid: late"),
    ],
)
def test_what_cannot_be_said_ends_with_2(before: Snapshot, now: Snapshot, told: str) -> None:
    """Nothing is held or failed by a number that is not there, or by a run that says nothing."""
    cases = compare([parse_rule("p99_hold_ms > 20%")], before, now)
    assert [case.held for case in cases] == [None]
    assert told in cases[0].reason
    assert exit_status(cases) == 2


def test_a_failure_outweighs_what_cannot_be_said() -> None:
    """What is certain is told."""
    rules = [parse_rule("goodput < -5%"), parse_rule("origin_loads > 5%")]
    cases = compare(rules, snapshot(a={"goodput": 0.9}), snapshot(a={"goodput": 0.1}))
    assert [case.held for case in cases] == [False, None]
    assert exit_status(cases) == 1


def test_another_experiment_is_no_baseline() -> None:
    """Numbers of different questions are not compared."""
    with pytest.raises(UsageProblem, match="the baseline is of e, this of f"):
        compare([], snapshot(), snapshot(experiment="f"))


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    """Never another error, and never a limit that is no number."""
    try:
        rule = parse_rule(text)
    except UsageProblem:
        return
    assert math.isfinite(rule.limit)
