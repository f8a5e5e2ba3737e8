"""What a sweep found: states, agreement with the closed form, borders."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rulezero.analysis import metastability
from rulezero.analysis.sweep import concluded, hold_s, measured_with, next_seed, state_of, timeout_s
from rulezero.errors import UsageProblem
from rulezero.experiment import Experiment, Variants
from rulezero.series import Entry, Series
from tests.analysis.records import experiment

VARY = [{"name": "load", "values": [0.25, 0.75]}, {"name": "stall_s", "values": [1.0, 2.0, 4.0]}]


def predicted(point: Mapping[str, float], arm: str) -> float | None:
    if arm != "none":
        return None
    return math.inf if point["load"] >= 0.5 else 10 * point.get("stall_s", 1)


def varied() -> Experiment:
    variants = Variants(
        parameters={"load": (0, 1), "stall_s": (1, 10)}, build=lambda **_: experiment(), predicted=predicted
    )
    return experiment(variants=variants)


def entry(point: dict[str, float], **changes: Any) -> Entry:
    length_s = changes.pop("hold_s", 20.0)
    measures = {"recovery_s": changes.pop("recovery_s", 5.0), "goodput_fault": changes.pop("kept", 0.2)}
    parts: dict[str, Any] = {
        "key": ",".join(f"{name}={value:g}" for name, value in point.items()),
        "record": "r",
        "seed": 1,
        "order": ["none"],
        "valid": True,
        "reasons": [],
        "arms": {"none": measures},
        "yardsticks": {},
        "more": measured_with(point, length_s, changes.pop("timeout", 1.0)),
    }
    return Entry(**parts | changes)


def series(*entries: Entry, **asked: Any) -> Series:
    return Series(
        kind="sweep", experiment="sample", reproduce="rulezero sweep", started_at="now", host={},
        asked={"arm": "none", "vary": VARY, "seed": 1, "target": "embedded", "definition": "0" * 64, **asked},
        entries=list(entries),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"recovery_s": 0.0, "kept": 0.95}, "robust"),
        ({"recovery_s": 0.0, "kept": 0.5}, "recovered"),
        ({"recovery_s": 0.25, "kept": 0.95}, "recovered"),
        ({"recovery_s": 17.0}, "recovered"),
        ({"recovery_s": 20.0}, "metastable"),
        ({"recovery_s": 20.0 - 1e-12}, "metastable"),
        ({"recovery_s": 20.0, "timeout": 2.5}, "undecided"),
        ({"recovery_s": 20.0, "valid": False}, "invalid"),
        ({"recovery_s": None}, "undecided"),
    ],
)
def test_states(changes: dict[str, Any], state: str) -> None:
    """From the measures of a run, its hold and its timeouts."""
    assert state_of(entry({"load": 0.25}, **changes), "none") == state


@pytest.mark.parametrize("recovery_s", [0.0, 4.0, None])
@pytest.mark.parametrize("kept", [0.5, 0.95])
@pytest.mark.parametrize("timeout", [1.0, 2.5])
def test_states_are_those_of_verdicts(recovery_s: float | None, kept: float, timeout: float) -> None:
    """The same words for the same figures."""
    good = {"baseline": 10.0, "fault": 10 * kept, "hold": 10.0}
    figures = {
        "recovery_s": recovery_s, "lengths_s": {"hold": 20.0}, "goodput_rps": good, "capacity_rps": {},
        "offered_rps": dict.fromkeys(good, 10.0), "settled_attempts_rps": {}, "dead_work": {},
    }  # fmt: skip
    one = entry({"load": 0.25}, recovery_s=20.0 if recovery_s is None else recovery_s, kept=kept, timeout=timeout)
    assert state_of(one, "none") == metastability.state(figures, timeout_s=timeout)["state"]


@pytest.mark.parametrize(
    ("predicted_s", "timeout", "length_s"),
    [(0.1, 1.1, 12), (10, 1.1, 25), (30, 1.1, 40), (200, 1.1, 40), (math.inf, 1.1, 40), (None, 1.1, 40), (1, 3, 30)],
)
def test_holds_are_long_enough_and_bounded(predicted_s: float | None, timeout: float, length_s: float) -> None:
    """Ten timeouts at least, twice the prediction as far as that is bearable."""
    assert hold_s(predicted_s, timeout) == length_s


def test_the_most_patient_client_counts() -> None:
    """Of the streams."""
    sample = experiment()
    slow = replace(sample.streams[0], deadline_s=2.5)
    assert timeout_s(replace(sample, streams=(slow, *sample.streams))) == 2.5


def test_an_invalid_point_is_repeated_once_with_another_seed() -> None:
    """A run that was not noted as a whole does not count."""
    point = {"load": 0.25, "stall_s": 1.0}
    bad, good = entry(point, valid=False), entry(point)
    cut_off = entry(point, more={})
    assert next_seed(series(), point, 7) == 7
    assert next_seed(series(cut_off), point, 7) == 7
    assert next_seed(series(bad), point, 7) == 8
    assert next_seed(series(bad, bad), point, 7) is None
    assert next_seed(series(good), point, 7) is None
    assert next_seed(series(good), {"load": 0.75, "stall_s": 1.0}, 7) == 7


def test_points_beside_their_prediction() -> None:
    """In the order of the map, those that were not run too; what is invalid is compared with nothing."""
    found = concluded(
        series(
            entry({"load": 0.25, "stall_s": 1.0}, recovery_s=8.0, hold_s=25.0),
            entry({"load": 0.25, "stall_s": 4.0}, recovery_s=40.0, hold_s=40.0),
            entry({"load": 0.75, "stall_s": 1.0}, recovery_s=3.0),
            entry({"load": 0.75, "stall_s": 2.0}, valid=False, reasons=["x"]),
            entry({"load": 0.75, "stall_s": 2.0}, seed=2, recovery_s=20.0),
            entry({"load": 0.75, "stall_s": 4.0}, valid=False, reasons=["y"]),
        ),
        varied(),
    )
    assert [tuple(point["at"].values()) for point in found["points"]] == [
        (0.25, 1), (0.75, 1), (0.25, 2), (0.75, 2), (0.25, 4), (0.75, 4),
    ]  # fmt: skip
    told = [(point["state"], point["as_predicted"]) for point in found["points"]]
    assert told == [
        ("recovered", True), ("recovered", False), ("not run", None), ("metastable", True), ("metastable", True),
        ("invalid", None),
    ]  # fmt: skip
    assert found["agreement"] == {
        "as_predicted": 3,
        "compared": 4,
        "recovery_ratios": [0.8],
        "never": 1,
        "not_in_hold": 1,
    }
    assert found["seeds"] == [1, 2]
    assert "3 of 4 points as predicted" in found["summary"]
    assert found["points"][2]["hold_s"] == 40


def test_both_borders() -> None:
    """Where it never comes back, and, apart from it, where no hold shows that it does."""
    found = {border["kind"]: border["lines"] for border in concluded(series(), varied())["borders"]}
    assert {x for line in found["never"] for x, _ in line} == {0.5}
    seen = [(x, y) for line in found["unseen"] for x, y in line]
    # 10 x stall is more than the 37 s that the longest hold shows.
    assert {round(y, 3) for x, y in seen if x < 0.49} == {3.7}


def test_a_row_has_its_border() -> None:
    """From the bottom to the top."""
    found = concluded(series(vary=VARY[:1]), varied())
    assert found["borders"] == [{"kind": "never", "lines": [[(0.5, 0.0), (0.5, 1.0)]]}]


def test_an_arm_without_a_closed_form() -> None:
    """States alone: nothing is compared, and no border drawn."""
    one = entry({"load": 0.25, "stall_s": 1.0}, arms={"all": {"recovery_s": 0.0, "goodput_fault": 1.0}})
    found = concluded(series(one, arm="all"), varied())
    assert found["points"][0]["state"] == "robust"
    assert found["points"][0]["predicted"] is None
    assert (found["agreement"]["compared"], found["borders"]) == (0, [])


@pytest.mark.parametrize(
    "asked",
    [{"arm": 1}, {"vary": []}, {"vary": [{"name": "load", "values": []}]}, {"vary": [{"name": "load"}]}, {"seed": "x"}],
)
def test_a_series_that_was_edited(asked: dict[str, Any]) -> None:
    """One line, whatever is wrong with it."""
    with pytest.raises(UsageProblem, match="does not say what was swept"):
        concluded(series(**asked), varied())


def test_an_experiment_that_cannot_be_varied_any_more() -> None:
    """Its file was changed since."""
    with pytest.raises(UsageProblem, match="nothing that can be varied any more"):
        concluded(series(), experiment())
