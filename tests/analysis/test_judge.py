"""Judge: from a record to a verdict, one sentence, and every reason for which a run says nothing."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from rulezero.analysis.judge import best_arm, judge
from rulezero.checks import control_fails, keeps_goodput
from rulezero.errors import EXIT_OF_VERDICT
from rulezero.experiment import Arm, Figures, Yardstick
from rulezero.faults import CacheExpiry, Signature
from rulezero.record import write_json
from tests.analysis.frames import manifest
from tests.analysis.records import SCHEMA, experiment, judged, prediction, record


def effects(verdict: dict[str, Any]) -> dict[str, str]:
    return {arm["name"]: arm["effect"] for arm in verdict["arms"]}


def test_the_schema_is_one_and_describes_every_key() -> None:
    """A valid JSON schema; every property says what it is, or points to what does."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def undescribed(schema: dict[str, Any], path: str) -> list[str]:
        found = []
        for name, part in schema.get("properties", {}).items():
            if "description" not in part and "$ref" not in part:
                found.append(f"{path}.{name}")
            found += undescribed(part, f"{path}.{name}")
        return found

    parts = {"verdict": SCHEMA, **SCHEMA["$defs"]}
    assert [name for path, part in parts.items() for name in undescribed(part, path)] == []
    assert all(part["additionalProperties"] is False for part in parts.values())


def test_the_schema_refuses_what_is_no_verdict() -> None:
    """An unknown key, a missing one, or a valid run with reasons against it."""
    verdict = judged()
    for wrong in (
        {**verdict, "extra": 1},
        {key: value for key, value in verdict.items() if key != "seed"},
        {**verdict, "invalid_reasons": ["x"]},
        {**verdict, "valid": False},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


def test_supported() -> None:
    """The control failed and the defended arm kept its goodput."""
    verdict = judged()
    assert (verdict["valid"], verdict["verdict"], verdict["invalid_reasons"]) == (True, "supported", [])
    assert EXIT_OF_VERDICT[verdict["verdict"]] == 0
    assert [check["held"] for check in verdict["checks"]] == [True, True]
    assert [arm["name"] for arm in verdict["arms"]] == ["none", "all"]
    assert effects(verdict) == {"none": "control", "all": "better"}
    assert verdict["best_arm"] == "all"
    # 5 of 14 seconds: nothing of the fault and half of the hold.
    assert verdict["summary"] == ("Without a defence 36% of the requests from the fault on went well; with all 100%.")


def test_an_experiment_with_a_single_arm_says_what_was_foretold() -> None:
    """No arm is missing in it: the sentence has what was measured beside what was predicted."""
    alone = experiment(
        arms=(Arm(name="none"),),
        demo_arms=("none",),
        checks=(
            control_fails("none", phase="fault", at_most=0.5),
            keeps_goodput("none", phase="baseline", at_least=0.9),
        ),
        predictions=(prediction(2.0, 2.1), prediction(None, None)),
    )
    verdict = judge(record({"none": range(5, 14)}), alone)
    assert verdict["best_arm"] is None
    assert verdict["summary"] == (
        "Without a defence 36% of the requests from the fault on went well; "
        "loads: 2.1 (2 was predicted); loads: not measured."
    )


def test_refuted() -> None:
    """The control failed, but so did the defence: a valid run that says no."""
    verdict = judged({"none": range(5, 14), "all": range(5, 14)})
    assert (verdict["valid"], verdict["verdict"]) == (True, "refuted")
    assert EXIT_OF_VERDICT[verdict["verdict"]] == 1
    assert effects(verdict)["all"] == "no difference"


def test_a_defence_that_harms_is_named() -> None:
    """Worse than nothing is said in the summary."""
    verdict = judged({"none": range(5, 9), "all": range(0), "naive": range(5, 19)})
    assert effects(verdict) == {"none": "control", "all": "better", "naive": "worse"}
    assert verdict["harm"] == "HARM: naive made it worse: 0% of the requests went well."
    assert verdict["summary"] == ("Without a defence 71% of the requests from the fault on went well; with all 100%.")


def test_harm_is_told_by_what_it_was_judged_by() -> None:
    """By goodput where that was lost, else by the yardstick; each of several."""
    on = experiment(yardstick=Yardstick(name="attempts", figure=lambda figures: len(figures["name"])))
    verdict = judged({"none": range(5, 9), "dear_one": range(5, 9), "retry": range(5, 11), "all": range(5, 9)}, on=on)
    assert verdict["harm"] == (
        "HARM: dear_one made it worse: attempts: 8; retry made it worse: 57% of the requests went well."
    )
    assert verdict["summary"] == "attempts: with none 4; with all 3."


def test_harm_is_told_of_an_arm_that_cannot_be_measured_by_the_yardstick() -> None:
    """Nothing of it went well, so there is no p99: it is the worst of all and not forgotten."""
    on = experiment(yardstick=Yardstick(name="p99", figure=lambda figures: 9.0 if figures["name"] == "none" else None))
    verdict = judged({"none": range(5, 9), "all": range(5, 19)}, on=on)
    assert verdict["harm"] == "HARM: all made it worse: 0% of the requests went well."
    assert verdict["summary"] == "p99: with none 9; no other arm could be measured by it."


def test_from_nothing_to_something_is_worse() -> None:
    """No share of 0 says how much, but less of a yardstick is better."""
    on = experiment(yardstick=Yardstick(name="twice", figure=lambda figures: 0.0 if figures["name"] == "none" else 5.0))
    assert effects(judged({"none": range(5, 9), "all": range(5, 9)}, on=on))["all"] == "worse"


def test_what_a_defence_loses_before_the_fault_is_harm() -> None:
    """Not a reason against the run: it may save the day of the fault and cost all others."""
    verdict = judged({"none": range(5, 14), "all": range(4)})
    assert verdict["valid"]
    assert effects(verdict)["all"] == "better"
    assert verdict["harm"].startswith("HARM: all made it worse before the fault: ")


def test_an_invalid_run_names_no_harm() -> None:
    """It says nothing, of anyone."""
    assert judged({"none": range(5, 9), "all": range(5, 19)}, interrupted=True)["harm"] == ""


SHORT = [{**stream, "deadline_s": 1.0} for stream in manifest()["streams"]]


def test_the_state_of_each_arm() -> None:
    """Ten seconds of hold are ten timeouts; a control that stays down is told in the sentence."""
    verdict = judged({"none": range(5, 19), "all": range(5, 7), "retry": range(0)}, streams=SHORT)
    assert [arm["state"]["state"] for arm in verdict["arms"]] == ["metastable", "recovered", "robust"]
    assert verdict["summary"].startswith(
        "Without a defence 0% of the requests from the fault on went well, and it stayed down after the fault "
        "(metastable); with "
    )


def test_nothing_was_done_so_there_is_no_state() -> None:
    """Without a fault or a crowd nobody can be said to have stood it."""
    verdict = judged(on=experiment(faults=()), faults=[])
    assert [arm["state"] for arm in verdict["arms"]] == [None, None]


def test_the_arm_that_was_cut_off_is_not_called_metastable() -> None:
    """Its hold has no end to be down at; those before it have one."""
    late = (pl.col("arm") == "all") & (pl.col("intended_s") > 12)
    verdict = judged({"none": range(5, 19), "all": range(0)}, drop=late, interrupted=True, streams=SHORT)
    assert [arm["state"]["state"] for arm in verdict["arms"]] == ["metastable", "undecided"]


@pytest.mark.parametrize(
    ("bad", "effect"),
    [
        (range(5, 8), "better"),  # 10 of 80 % of the fault back
        (range(5, 9), "no difference"),
        (range(5, 11), "worse"),
    ],
)
def test_effects(bad: range, effect: str) -> None:
    """More than 5 % of the baseline from the fault on makes a difference."""
    assert effects(judged({"none": range(5, 9), "all": bad}))["all"] == effect


def test_only_the_control_ran() -> None:
    """The sentence says that there is no comparison."""
    verdict = judged({"none": range(5, 14)})
    assert verdict["valid"]
    assert verdict["summary"].endswith("; no defended arm ran.")
    assert verdict["best_arm"] is None


def test_a_control_that_fails_supports_nothing_by_itself() -> None:
    """Without a claim of a defended arm that was asked the run is sound, and says nothing of the defences."""
    alone = judged({"none": range(5, 14)})
    assert [(check["control"], check["held"]) for check in alone["checks"]] == [(True, True)]
    unclaimed = judged(on=experiment(checks=experiment().checks[:1]))
    for verdict in (alone, unclaimed):
        assert (verdict["valid"], verdict["verdict"], verdict["invalid_reasons"]) == (True, "unknown", [])
        assert EXIT_OF_VERDICT[verdict["verdict"]] == 2


CUT = pl.col("arm") == "all"
INVALID: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "interrupted": (lambda: judged(interrupted=True), r"^the run was interrupted$"),
    "a part died": (
        lambda: judged(exits=[{"arm": "all", "part": "edge", "status": "exit status 1", "log_tail": "a\nboom"}]),
        r"^all: edge ended by itself \(exit status 1\): a\nboom$",
    ),
    "the control did not fail": (
        lambda: judged({"none": range(0), "all": range(0)}),
        r"^the control did not fail: none kept 100% of its baseline's good share in fault",
    ),
    "the fault left no trace": (
        lambda: judged(
            on=experiment(
                faults=(CacheExpiry(key="k", at_s=(0.0,), signature=Signature(metric="nothing", increase_min=1)),)
            )
        ),
        r"^none: k expires 1 times: nothing grew by 0 or more after each \(at least 1\)$",
    ),
    "the fault was never applied": (lambda: judged(faults=[]), r"^all: item:1 expires 1 times: .* grew by 0 or more"),
    "the baseline was not well": (
        lambda: judged({"none": (2, *range(5, 14)), "all": range(0)}),
        r"^none: 75\.0% of the requests were good before the fault \(at least 0\.95\)$",
    ),
    "no spans": (
        lambda: judged(without_spans=True),
        r"^none: 0 spans of services were received \(at least 1\)$",
    ),
    "the control is missing": (
        lambda: judged({"all": range(0)}),
        r"^the control \(none\) did not run, so there is nothing to compare with$",
    ),
    "an arm without rows": (lambda: judged(drop=CUT), r"^all: nothing was recorded$"),
    "shortfall": (
        lambda: judged(drop=CUT & (pl.col("intended_s") < 1)),
        r"^all: 5\.3% of the arrivals were not sent \(limit 0\.02\)$",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_a_run_that_says_nothing(case: str) -> None:
    """Unknown, exit status 2, and the reason is named; whatever the checks say."""
    make, reason = INVALID[case]
    verdict = make()
    assert (verdict["valid"], verdict["verdict"], EXIT_OF_VERDICT[verdict["verdict"]]) == (False, "unknown", 2)
    matching = [one for one in verdict["invalid_reasons"] if pl.Series([one]).str.contains(f"(?s){reason}").item()]
    assert matching, verdict["invalid_reasons"]
    assert verdict["summary"].startswith("This run is invalid and says nothing: ")
    assert "\n" not in verdict["summary"]


def test_the_summary_counts_the_other_reasons() -> None:
    """The first reason in full, the others by number."""
    verdict = judged(interrupted=True, drop=CUT)
    assert verdict["summary"] == "This run is invalid and says nothing: the run was interrupted (and 1 more)."


def test_without_the_control_nothing_is_compared() -> None:
    """An effect beside nothing is none."""
    assert effects(judged({"all": range(0)})) == {"all": "not compared"}


def test_checks_of_arms_that_did_not_run_are_not_asked() -> None:
    """A run of two arms is judged by what concerns these two."""
    checks = (*experiment().checks, keeps_goodput("retry", phase="hold", at_least=0.9))
    assert len(judged(on=experiment(checks=checks))["checks"]) == 2


def test_no_checks_no_verdict() -> None:
    """An experiment that claims nothing is neither supported nor refuted."""
    verdict = judged(on=experiment(checks=()))
    assert (verdict["valid"], verdict["verdict"]) == (True, "unknown")


def test_without_goodput_in_the_baseline_there_is_still_a_verdict() -> None:
    """A system that never worked: nothing was kept, nothing is divided by zero, nobody recovered."""
    verdict = judged({"none": range(19), "all": range(19)})
    assert effects(verdict)["all"] == "no difference"
    assert [arm["recovery_s"] for arm in verdict["arms"]] == [None, None]
    assert verdict["verdict"] != "supported"


@pytest.mark.parametrize("end_s", [0.5, 3.0, 7.0, 12.0])
def test_a_run_that_was_interrupted_anywhere_is_judged(end_s: float) -> None:
    """In the warm-up, the baseline, the fault or the hold of its first arm: unknown, never a crash."""
    late = (pl.col("arm") == "all") | (pl.col("intended_s") > end_s)
    arms = [{"name": "none", "defences": []}]
    verdict = judged(drop=late, interrupted=True, arms=arms)
    assert (verdict["verdict"], verdict["invalid_reasons"][0]) == ("unknown", "the run was interrupted")


def test_a_run_without_any_arm_is_judged() -> None:
    """Interrupted while the lab started."""
    verdict = judged({}, interrupted=True)
    assert (verdict["arms"], verdict["checks"], verdict["verdict"]) == ([], [], "unknown")


def test_the_arms_that_there_are_are_named() -> None:
    """Those that did not run too, in their order."""
    arms = (Arm(name="none"), Arm(name="retry", preset="retry"), Arm(name="all", preset="all"))
    verdict = judged(on=experiment(arms=arms))
    assert verdict["arms_defined"] == ["none", "retry", "all"]
    assert [arm["name"] for arm in verdict["arms"]] == ["none", "all"]


def _attempts(figures: Figures) -> float | None:
    return {"none": 4.0, "all": 2.0, "retry": 1.0}[figures["name"]]


def test_who_loses_goodput_is_worse_whatever_the_yardstick_says() -> None:
    """The fewest attempts of all, but fewer answers too: neither better nor best."""
    on = experiment(yardstick=Yardstick(name="attempts", figure=_attempts))
    verdict = judged({"none": range(5, 9), "all": range(5, 9), "retry": range(5, 11)}, on=on)
    assert effects(verdict) == {"none": "control", "all": "better", "retry": "worse"}
    assert [arm["effect_by"] for arm in verdict["arms"]] == [None, "yardstick", "goodput"]
    assert verdict["best_arm"] == "all"
    assert [arm["effect_by"] for arm in verdict["arms"]] == [None, "yardstick", "goodput"]
    only = judged({"none": range(5, 9), "retry": range(5, 11)}, on=on)
    assert (effects(only)["retry"], only["best_arm"]) == ("worse", "retry"), "there is no other"


def test_a_yardstick_alone_goes_by_nothing_else() -> None:
    """Who refuses what could not be done in time loses answers and is better all the same."""
    on = experiment(yardstick=Yardstick(name="attempts", figure=_attempts, alone=True))
    verdict = judged({"none": range(5, 9), "all": range(5, 9), "retry": range(5, 11)}, on=on)
    assert effects(verdict) == {"none": "control", "all": "better", "retry": "better"}
    assert [arm["effect_by"] for arm in verdict["arms"]] == [None, "yardstick", "yardstick"]
    assert verdict["best_arm"] == "retry"


@pytest.mark.parametrize("chart", ["goodput", "latency", "attempts", "backlog"])
def test_the_yardstick_says_what_is_drawn(chart: Any) -> None:
    """And is named with its values in the summary; without one the picture is of goodput."""
    on = experiment(yardstick=Yardstick(name="attempts", figure=_attempts, chart=chart))
    verdict = judged(on=on)
    jsonschema.validate(verdict, SCHEMA)
    assert (verdict["chart"], verdict["summary"]) == (chart, "attempts: with none 4; with all 2.")
    assert (judged()["chart"], judged()["arms"][1]["effect_by"]) == ("goodput", "goodput")


def test_numbers_that_json_has_not_do_not_break_the_file(tmp_path: Path) -> None:
    """NaN in a metric ends as null in the file, which still fits the schema; the run is invalid."""
    broken = record()
    value = pl.when(pl.col("name") == "machine_cores_busy").then(math.nan).otherwise(pl.col("value")).alias("value")
    seen = broken.metrics.with_columns(value)
    predictions = (prediction(math.inf, math.nan),)
    verdict = judge(replace(broken, metrics=seen), experiment(predictions=predictions))
    write_json(tmp_path / "verdict.json", verdict)
    written = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, SCHEMA)
    assert not written["valid"]


def test_the_best_arm_kept_most() -> None:
    """The control is never the best; without another arm there is none."""
    arms = judged({"none": range(0), "all": range(5, 9), "retry": range(5, 7)})["arms"]
    best = best_arm(arms, "none")
    assert best is not None
    assert best["name"] == "retry"
    assert best_arm(arms[:1], "none") is None
