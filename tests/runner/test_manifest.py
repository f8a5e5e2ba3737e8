"""Manifest: enough to read a record and to run it again, in plain JSON."""

import json
from typing import Any

import orjson

from rulezero.checkout import choose_arms, load_experiment
from rulezero.experiment import Arm
from rulezero.runner.manifest import arm_entry, new_manifest, plain


def manifest(name: str = "cascading_failure", arms: tuple[str, ...] = ("none", "all")) -> dict[str, Any]:
    experiment = load_experiment(name)
    return new_manifest(experiment, choose_arms(experiment, arms), 7, ["edge", "payment"])


def test_a_run_counts_as_interrupted_until_it_is_told_otherwise() -> None:
    """So does one whose machine lost its power."""
    assert manifest()["interrupted"] is True
    assert (manifest()["arms"], manifest()["exits"], manifest()["faults"]) == ([], [], [])


def test_the_command_that_makes_the_run_again() -> None:
    """Arms in their order, and the seed."""
    assert manifest()["reproduce"] == "rulezero run cascading_failure --arms none,all --seed 7"


def test_everything_is_plain_json() -> None:
    """Nothing is lost on the way to the file and back."""
    for name in ("cascading_failure", "thundering_herd"):
        made = manifest(name, ())
        assert json.loads(orjson.dumps(made)) == made
        assert made["windows"][0] == ["warmup", 0.0, 3]
        assert {"route", "rate_rps", "deadline_s", "keys", "crosses", "request"} == set(made["streams"][0])


def test_the_control_is_the_experiments_own() -> None:
    """Whichever arms are run, and in whichever order."""
    assert manifest(arms=("all",))["control"] == "none"


def test_an_arm_before_it_ran() -> None:
    """Its name, and what it asks for."""
    entry = arm_entry(Arm(name="x", defences=("retry",), numbers={"retry": {"callers": ("edge",)}}))
    assert entry == {
        "name": "x",
        "defences": ["retry"],
        "numbers": {"retry": {"callers": ["edge"]}},
        "services": {},
        "preset": None,
    }


def test_plain() -> None:
    """Tuples become lists, mappings become dicts, text stays whole."""
    assert plain({"a": ("x", {"b": (1, None)}), "c": "text"}) == {"a": ["x", {"b": [1, None]}], "c": "text"}
