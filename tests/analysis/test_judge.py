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
from rulezero.checks import keeps_goodput
from rulezero.errors import EXIT_OF_VERDICT
from rulezero.experiment import Figures, Prediction
from rulezero.faults import CacheExpiry, Signature
from rulezero.record import write_json
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
    assert verdict["summary"] == (
        "Without a defence 36% of the requests from the fault on went well; with all 100% (relative to the baseline)."
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
    assert verdict["summary"].endswith("with all 100% (relative to the baseline); made worse by: naive.")


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
        r"^the control did not fail: none: 100% of what was offered was good in fault",
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
        lambda: judged({"none": range(5, 14), "all": range(2, 3)}),
        r"^all: 75\.0% of the requests were good before the fault \(at least 0\.95\)$",
    ),
    "no spans": (
        lambda: judged(without_spans=True),
        r"^none: 0 spans were received \(at least 1\)$",
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


@pytest.mark.parametrize(
    ("predicted", "measured", "within"),
    [(10, 12.5, True), (10, 7.5, True), (10, 12.6, False), (10, 7.4, False), (None, 3, None), (10, None, None)],
)
def test_predictions(predicted: float | None, measured: float | None, *, within: bool | None) -> None:
    """Within a quarter of what was predicted; unknown when one of the two is."""
    verdict = judged(on=experiment(predictions=(prediction(predicted, measured),)))
    (told,) = verdict["arms"][0]["predictions"]
    assert (told["predicted"], told["measured"], told["within"], told["band"]) == (predicted, measured, within, 0.25)
    assert verdict["arms"][1]["predictions"] == []


@pytest.mark.parametrize(
    ("measured", "word"), [(12.5, "supported"), (12.6, "unknown"), (7.4, "unknown"), (None, "supported")]
)
def test_a_figure_outside_its_band_is_not_understood(measured: float | None, word: str) -> None:
    """Although every check held; what cannot be measured is not held against the run, and the sentence names it."""
    verdict = judged(on=experiment(predictions=(prediction(10, measured),)))
    assert (verdict["valid"], verdict["verdict"]) == (True, word)
    assert verdict["summary"].endswith(" Outside the predicted band: none: loads.") is (word == "unknown")


def test_a_check_that_did_not_hold_refutes_whatever_was_predicted() -> None:
    """The claim comes before the figures."""
    bad = {"none": range(5, 14), "all": range(5, 14)}
    assert judged(bad, on=experiment(predictions=(prediction(10, 20),)))["verdict"] == "refuted"


@pytest.mark.parametrize(("bad", "measured"), [(range(5, 11), 2.0), (range(5, 19), None)])
def test_a_recovery_is_predicted_even_where_there_was_none(bad: range, measured: float | None) -> None:
    """An arm that never came back has no seconds to compare."""
    one = Prediction(
        arm="none", name="s", formula="2", predicted=lambda _: 2.0, measured=lambda figures: figures["recovery_s"]
    )
    (told,) = judged({"none": bad, "all": range(0)}, on=experiment(predictions=(one,)))["arms"][0]["predictions"]
    assert (told["measured"], told["within"]) == (measured, None if measured is None else True)


def test_predictions_see_the_figures_of_their_arm() -> None:
    """The functions are given what the verdict says of the arm."""

    def goodput(figures: Figures) -> float:
        return float(figures["goodput_rps"]["hold"])

    one = Prediction(arm="all", name="goodput", formula="offered", predicted=lambda _: 4.0, measured=goodput)
    verdict = judged(on=experiment(predictions=(one,)))
    assert verdict["arms"][1]["predictions"][0]["within"] is True


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
