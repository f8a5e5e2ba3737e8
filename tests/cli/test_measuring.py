"""The runs of a series: each is a record in its folder, and an entry that is on disk before the next begins."""

from pathlib import Path

import pytest
from rich.console import Console

from rulezero.checkout import choose_arms, load_experiment
from rulezero.cli.executing import Request
from rulezero.cli.measuring import Measuring, begin, comparing
from rulezero.errors import UsageProblem
from rulezero.series import read_series
from tests.cli.made_verdicts import install

ARMS = ("none", "timeout")


def request(out: Path) -> Request:
    experiment = load_experiment("cascading_failure")
    return Request(experiment=experiment, arms=experiment.arms, seed=1, out=out, console=Console(), quiet=True)


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
