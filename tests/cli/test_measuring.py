"""The runs of a series: each is a record in its folder, and an entry that is on disk before the next begins."""

import argparse
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rulezero.checkout import choose_arms, fingerprint, load_experiment
from rulezero.cli.executing import Request
from rulezero.cli.measuring import Measuring, begin, comparing, resumed
from rulezero.errors import Problem, UsageProblem
from rulezero.series import read_series
from tests.cli.made_verdicts import install

ARMS = ("none", "timeout")


def request(out: Path) -> Request:
    experiment = load_experiment("cascading_failure")
    return Request(experiment=experiment, arms=experiment.arms, seed=1, out=out, console=Console(), quiet=True)


@pytest.fixture(autouse=True)
def _nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulezero.cli.measuring.require", lambda _: None)


def begun(out: Path) -> Measuring:
    return begin("ab", request(out), {"pairs": 8}, "rulezero ab cascading_failure")


def test_a_run_is_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the measures of each arm, its order and seed; the record lies in the series' folder."""
    executed = install(monkeypatch, lambda name, _: (0.4 if name == "none" else 0.9, 7.0))
    measuring = begun(tmp_path)
    arms = choose_arms(measuring.experiment, ARMS)
    entry = measuring.run("pair-1", comparing(measuring.experiment, arms), arms[::-1], seed=5)
    assert (entry.key, entry.record, entry.seed, entry.order) == ("pair-1", "record-1", 5, ["timeout", "none"])
    assert entry.valid
    assert entry.arms["none"]["goodput"] == pytest.approx(0.4)
    assert entry.arms["timeout"]["recovery_s"] == 10.0
    assert entry.yardsticks == {"none": 7.0, "timeout": 7.0}
    (asked,) = executed.requests
    assert (asked.out, asked.seed, asked.arms) == (measuring.folder, 5, arms[::-1])
    assert asked.experiment.control.name == "none"
    assert read_series(measuring.folder, "ab").entries == [entry]


def test_an_invalid_run_is_an_entry_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That says why, and is not among the valid ones."""
    install(monkeypatch, lambda *_: None)
    measuring = begun(tmp_path)
    entry = measuring.run("pair-1", measuring.experiment, measuring.experiment.arms[:2], seed=1)
    assert (entry.valid, entry.reasons) == (False, ["none: the control did not fail\nand more"])
    assert read_series(measuring.folder, "ab").valid() == []


def test_what_ends_a_run_leaves_those_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the series goes on from there, in the same folder."""
    executed = install(monkeypatch, lambda *_: (0.5, None))
    measuring = begun(tmp_path)
    arms = measuring.experiment.arms[:2]
    executed.interrupt_at = 1
    measuring.run("pair-1", measuring.experiment, arms, seed=1)
    with pytest.raises(KeyboardInterrupt):
        measuring.run("pair-2", measuring.experiment, arms, seed=2)
    again = Measuring(measuring.folder, read_series(measuring.folder, "ab"), request(tmp_path))
    assert [entry.key for entry in again.series.entries] == ["pair-1"]
    again.run("pair-2", again.experiment, arms, seed=2)
    assert [entry.seed for entry in read_series(measuring.folder, "ab").entries] == [1, 2]


@pytest.mark.parametrize(
    ("options", "series", "told"),
    [
        ({"seed": 7}, {}, "goes on with --seed 3; leave --seed out"),
        ({"target": "compose"}, {}, "goes on with --target embedded; leave --target out"),
        ({"out": Path("elsewhere")}, {}, "goes on where it is; leave --out out"),
        ({}, {"host": {"cores": 64}}, "was begun on another machine"),
        ({}, {"definition": "0" * 64}, "changed since"),
    ],
)
def test_what_could_not_be_compared_is_not_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], series: dict[str, Any], told: str
) -> None:
    """Runs of another seed, target, machine or definition; the same said again is no contradiction."""
    install(monkeypatch, lambda *_: (0.5, None))
    asked = {"seed": 3, "target": "embedded", "definition": fingerprint("cascading_failure")}
    measuring = begin("ab", request(tmp_path), asked, "rulezero ab cascading_failure")
    given: dict[str, Any] = {"seed": 3, "target": "embedded", "out": tmp_path, "json": False, "quiet": True}
    arguments = argparse.Namespace(**given, prometheus=False, resume=measuring.folder)
    assert resumed(arguments, measuring.series).folder == measuring.folder
    measuring.series.host = series.get("host", measuring.series.host)
    measuring.series.asked |= {name: value for name, value in series.items() if name != "host"}
    vars(arguments).update(options)
    with pytest.raises(UsageProblem, match=told):
        resumed(arguments, measuring.series)


def test_what_a_series_needs_is_asked_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No empty series is left behind that could never go on."""

    def lacking(_: object) -> None:
        raise Problem("no PostgreSQL; install it")

    monkeypatch.setattr("rulezero.cli.measuring.require", lacking)
    with pytest.raises(Problem, match="install it"):
        begun(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_record_says_how_its_series_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arms may have names that `rulezero run` does not know."""
    executed = install(monkeypatch, lambda *_: (0.5, None))
    measuring = begun(tmp_path)
    measuring.run("pair-1", measuring.experiment, measuring.experiment.arms[:2], seed=1)
    assert executed.requests[0].reproduce == "rulezero ab cascading_failure"


def test_a_series_of_another_verb_is_not_gone_on_with(tmp_path: Path) -> None:
    """Its entries mean something else."""
    folder = begun(tmp_path).folder
    with pytest.raises(UsageProblem, match="was made by `rulezero ab`"):
        read_series(folder, "aa")


def test_the_first_arm_is_the_control() -> None:
    """And the experiment has no others."""
    experiment = load_experiment("cascading_failure")
    arms = choose_arms(experiment, ("timeout", "none"))
    assert comparing(experiment, arms).control.name == "timeout"
    assert comparing(experiment, arms).arms == arms
