"""rulezero matrix: rounds of all combinations, forwards and backwards, and what an end leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from rulezero.checkout import fingerprint
from rulezero.cli import main
from rulezero.cli.executing import Request
from rulezero.cli.matrix import read, show
from rulezero.cli.measuring import this_host
from rulezero.cli.noise_floor import Floor, keep_floor
from rulezero.errors import EXIT_INTERRUPTED, EXIT_UNKNOWN, EXIT_USAGE
from tests.cli.series_runs import Runs, installed, the_series

Captured = pytest.CaptureFixture[str]
TWO = ("retry_storm", "--defences", "deadline,bounded_queue")


def measured(request: Request, number: int) -> dict[str, Any]:
    """Return a verdict in which deadlines save everything."""
    arms = [
        {
            "name": arm.name,
            "yardstick": (0.9 if "deadline" in arm.defences else 0.1) + number / 1000,
            "not_exercised": [name for name in arm.defences if name != "deadline"],
        }
        for arm in request.arms
    ]
    return {"arms": arms}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return installed(monkeypatch, measured)


def matrix(out: Path, *options: str) -> int:
    return main(["matrix", "--out", str(out), "--quiet", *options])


def test_every_second_round_goes_backwards(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """All arms of a round share a seed; the experiment's own control stays the control."""
    assert matrix(tmp_path, *TWO, "--seed", "5") == 0
    names = ["one_retry", "deadline_alone", "bounded_queue_alone", "deadline+bounded_queue"]
    assert [[arm.name for arm in request.arms] for request in runs.requests] == [names, names[::-1], names]
    assert [request.seed for request in runs.requests] == [5, 6, 7]
    assert {request.experiment.control.name for request in runs.requests} == {"one_retry"}
    assert "deadline carries the effect. No pair fights." in capsys.readouterr().out


def test_it_leaves_a_matrix_a_report_and_a_page(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """`--json` prints the former and nothing else."""
    assert matrix(tmp_path, *TWO, "--json") == 0
    folder = the_series(tmp_path)
    found = json.loads((folder / "matrix.json").read_text())
    assert json.loads(capsys.readouterr().out) == found
    assert found["reproduce"] == "rulezero matrix retry_storm --defences deadline,bounded_queue --pairs 3 --seed 1"
    assert found["not_exercised"] == ["bounded_queue"]
    assert "deadline carries the effect." in (folder / "report.md").read_text()
    assert "deadline carries the effect." in (folder / "report.html").read_text()
    assert len(runs.requests) == 3


def test_the_defences_of_the_arms_are_the_default(runs: Runs, tmp_path: Path) -> None:
    """Those of the experiment, besides its base."""
    assert matrix(tmp_path, "cascading_failure", "--pairs", "1") == EXIT_UNKNOWN
    assert len(runs.requests[0].arms) == 16
    assert json.loads((the_series(tmp_path) / "matrix.json").read_text())["defences"] == [
        "timeout", "circuit_breaker", "bulkhead", "deadline",
    ]  # fmt: skip


def test_an_interruption_leaves_what_was_measured_and_goes_on(runs: Runs, tmp_path: Path) -> None:
    """With the rounds that are missing or invalid, and more if asked for."""
    runs.stop_at = 1
    assert matrix(tmp_path, *TWO, "--pairs", "2") == EXIT_INTERRUPTED
    folder = the_series(tmp_path)
    assert json.loads((folder / "matrix.json").read_text())["rounds"] == 1
    assert matrix(tmp_path, "--resume", str(folder), "--pairs", "3") == 0
    assert [request.seed for request in runs.requests] == [1, 2, 3]
    assert json.loads((folder / "matrix.json").read_text())["rounds_asked"] == 3


def test_an_invalid_round_is_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Once, with another seed; then again when the series goes on."""
    bad = {"valid": False, "invalid_reasons": ["none: busy"]}
    runs = installed(monkeypatch, lambda request, number: measured(request, number) | (bad if number < 3 else {}))
    assert matrix(tmp_path, *TWO, "--pairs", "2") == EXIT_UNKNOWN
    assert [request.seed for request in runs.requests] == [1, 2, 3, 4]
    assert matrix(tmp_path, "--resume", str(the_series(tmp_path))) == 0
    assert [request.seed for request in runs.requests] == [1, 2, 3, 4, 5]


def test_what_was_asked_for_is_gone_on_with(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """All rounds that were planned, whatever the default; and the command is told by which one goes on."""
    runs.stop_at = 1
    assert matrix(tmp_path, *TWO, "--pairs", "5") == EXIT_INTERRUPTED
    folder = the_series(tmp_path)
    assert f"go on with: rulezero matrix --resume {folder}" in capsys.readouterr().err
    assert matrix(tmp_path, "--resume", str(folder)) == 0
    assert len(runs.requests) == 5
    assert matrix(tmp_path, "--resume", str(folder), "--pairs", "6") == 0
    assert json.loads((folder / "matrix.json").read_text())["reproduce"].endswith("--pairs 6 --seed 1")


def test_it_is_shown_again_without_a_run(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """From series.json alone."""
    matrix(tmp_path, *TWO)
    folder = the_series(tmp_path)
    (folder / "report.html").unlink()
    assert show(folder, read(folder), as_json=False) == 0
    assert (folder / "report.html").is_file()
    assert "deadline carries" in capsys.readouterr().out
    assert len(runs.requests) == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "a matrix needs an experiment"),
        (("no_such",), "there is no experiment 'no_such'"),
        (("tail_latency",), "a matrix needs 2 defences, not hedging"),
        (("thundering_herd",), "choose 2 to 6 with --defences"),
        (("retry_storm", "--defences", "speed,deadline"), "'speed' is not a defence"),
        (("retry_storm", "--defences", "retry,deadline"), "retry is on in every arm of retry_storm"),
        ((*TWO, "--pairs", "0"), "--pairs must be 1 to 100, not 0"),
        (("--resume", "no/such"), "no/such is no series"),
        ((*TWO, "--resume", "no/such"), "leave the experiment and --defences out"),
    ],
)
def test_wrong_use_is_one_line(
    options: tuple[str, ...], told: str, runs: Runs, tmp_path: Path, capsys: Captured
) -> None:
    """And leaves nothing."""
    assert matrix(tmp_path, *options) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert not runs.requests
    assert list(tmp_path.iterdir()) == []


def test_the_floor_of_this_machine_is_gone_by(runs: Runs, tmp_path: Path) -> None:
    """Where `rulezero aa` has measured it in this experiment."""
    floor = Floor(
        arm="one_retry", series="s", pairs=8, host=this_host(), definition=fingerprint("retry_storm"),
        target="embedded", time="now", floors={"goodput": 0.9},
    )  # fmt: skip
    keep_floor(tmp_path, "retry_storm", floor)
    assert matrix(tmp_path, *TWO) == 0
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    found = json.loads((folder / "matrix.json").read_text())
    assert (found["floor"], found["margin"], found["floor_measured"]) == (0.9, 0.05, True)
    assert found["alone"]["deadline"]["says"] == "not clear"
    assert len(runs.requests) == 3


def test_a_series_of_an_experiment_that_changed_is_not_gone_on_with(
    runs: Runs, tmp_path: Path, capsys: Captured
) -> None:
    """Its rounds would be of two things."""
    matrix(tmp_path, *TWO)
    folder = the_series(tmp_path)
    series = json.loads((folder / "series.json").read_text())
    series["asked"]["definition"] = "x"
    (folder / "series.json").write_text(json.dumps(series))
    capsys.readouterr()
    assert matrix(tmp_path, "--resume", str(folder)) == EXIT_USAGE
    assert "begin a new series" in capsys.readouterr().err
    assert len(runs.requests) == 3


def test_a_series_of_another_verb_is_told(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """By which verb it was made."""
    matrix(tmp_path, *TWO)
    folder = the_series(tmp_path)
    (folder / "series.json").write_text((folder / "series.json").read_text().replace('"matrix"', '"price"'))
    capsys.readouterr()
    assert matrix(tmp_path, "--resume", str(folder)) == EXIT_USAGE
    assert "was made by `rulezero price`" in capsys.readouterr().err
    assert len(runs.requests) == 3
