"""rulezero price: rounds under the same arrivals, an order that favours nobody, a list, and what an end leaves."""

import json
from pathlib import Path

import pytest

from rulezero.cli import main
from rulezero.cli.price import read, show
from rulezero.errors import EXIT_INTERRUPTED, EXIT_UNKNOWN, EXIT_USAGE
from tests.cli.series_runs import Runs, installed, the_series

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return installed(monkeypatch, lambda *_: {})


def price(out: Path, *options: str) -> int:
    return main(["price", "--out", str(out), "--quiet", *options])


def test_each_round_runs_all_arms_with_a_seed_of_its_own(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """With whatever the defences need; the control of the run is first in the experiment, not always in the order."""
    assert price(tmp_path, "--defences", "circuit_breaker,bulkhead", "--rounds", "3", "--seed", "7") == 0
    assert [request.seed for request in runs.requests] == [7, 8, 9]
    names = ["none", "timeout", "circuit_breaker", "bulkhead"]
    assert [arm.name for arm in runs.requests[0].experiment.arms] == names
    assert all(sorted(arm.name for arm in request.arms) == sorted(names) for request in runs.requests)
    assert len({tuple(arm.name for arm in request.arms) for request in runs.requests}) == 3
    assert "circuit_breaker" in capsys.readouterr().out


def test_all_defences_are_priced_by_default(runs: Runs, tmp_path: Path) -> None:
    """Each once, five times."""
    assert price(tmp_path) == 0
    assert [len(request.arms) for request in runs.requests] == [len(runs.requests[0].experiment.arms)] * 5


def test_it_leaves_a_list_and_a_report(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """In the folder of the series, beside the records; `--json` prints the former and nothing else."""
    assert price(tmp_path, "--defences", "timeout", "--rounds", "2", "--json") == 0
    folder = the_series(tmp_path)
    prices = json.loads((folder / "price.json").read_text())
    assert json.loads(capsys.readouterr().out) == prices
    assert prices["prices"][0]["figures"]["p50_ms"]["mean"] == 0.0
    assert prices["reproduce"] == "rulezero price --defences timeout --rounds 2 --seed 1"
    assert "`timeout`" in (folder / "report.md").read_text()
    assert len(runs.requests) == 2


def test_the_table_is_printed_from_the_folder(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """As the docs quote it, without a run; a copy with price.json alone will do."""
    price(tmp_path / "runs", "--defences", "timeout", "--rounds", "2")
    capsys.readouterr()
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "price.json").write_bytes((the_series(tmp_path / "runs") / "price.json").read_bytes())
    assert main(["price", "--table", str(kept)]) == 0
    assert capsys.readouterr().out.startswith("| Defence | Beside |")
    assert len(runs.requests) == 2


def test_an_interruption_leaves_what_was_measured_and_goes_on(runs: Runs, tmp_path: Path) -> None:
    """With the rounds that are missing, the series' own defences and seed, and more rounds if asked for."""
    runs.stop_at = 1
    assert price(tmp_path, "--defences", "timeout", "--rounds", "2", "--seed", "4") == EXIT_INTERRUPTED
    folder = the_series(tmp_path)
    assert json.loads((folder / "price.json").read_text())["rounds"] == 1
    assert price(tmp_path, "--resume", str(folder), "--rounds", "3") == 0
    assert [request.seed for request in runs.requests] == [4, 5, 6]
    found = json.loads((folder / "price.json").read_text())
    assert (found["rounds"], found["rounds_asked"], found["seed"]) == (3, 3, 4)
    assert price(tmp_path, "--resume", str(folder), "--rounds", "3") == 0
    assert len(runs.requests) == 3


def test_a_round_that_cannot_be_believed_is_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the series goes on; until then there is no price, and the status says so."""
    bad = {"valid": False, "invalid_reasons": ["the run was interrupted"]}
    runs = installed(monkeypatch, lambda _, number: bad if number == 0 else {})
    assert price(tmp_path, "--defences", "timeout", "--rounds", "2") == EXIT_UNKNOWN
    folder = the_series(tmp_path)
    assert price(tmp_path, "--resume", str(folder), "--rounds", "2") == 0
    assert [request.seed for request in runs.requests] == [1, 2, 1]


def test_an_arm_that_fails_its_checks_spoils_its_own_pair(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not the round of the others."""
    failed = {"valid": False, "invalid_reasons": ["timeout: x"], "validity": [{"arm": "timeout", "ok": False}]}
    installed(monkeypatch, lambda _, number: failed if number == 0 else {})
    assert price(tmp_path, "--defences", "timeout,bulkhead", "--rounds", "3") == 0
    found = json.loads((the_series(tmp_path) / "price.json").read_text())
    assert [row["rounds"] for row in found["prices"]] == [2, 3]


def test_it_is_shown_again_without_a_run(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """From series.json alone."""
    price(tmp_path, "--defences", "timeout", "--rounds", "2")
    folder = the_series(tmp_path)
    (folder / "price.json").unlink()
    assert show(folder, read(folder), as_json=False) == 0
    assert (folder / "price.json").is_file()
    assert "timeout" in capsys.readouterr().out
    assert len(runs.requests) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--defences", "speed"), "'speed' is not a defence; there are: bounded_queue"),
        (("--defences", "none"), "'none' is not a defence"),
        (("--rounds", "0"), "--rounds must be 1 to 100, not 0"),
        (("--rounds", "101"), "--rounds must be 1 to 100"),
        (("--resume", "no/such"), "no/such is no series"),
        (("--resume", "no/such", "--defences", "timeout"), "leave --defences out"),
        (("--table", "no/such"), "no/such has no price list"),
    ],
)
def test_wrong_use_is_one_line(
    options: tuple[str, ...], told: str, runs: Runs, tmp_path: Path, capsys: Captured
) -> None:
    """And leaves nothing."""
    assert price(tmp_path, *options) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert not runs.requests
    assert list(tmp_path.iterdir()) == []


def test_what_was_asked_for_is_gone_on_with(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """All rounds that were planned, whatever the default; and the command is told by which one goes on."""
    runs.stop_at = 1
    assert price(tmp_path, "--defences", "timeout", "--rounds", "7") == EXIT_INTERRUPTED
    folder = the_series(tmp_path)
    assert f"go on with: rulezero price --resume {folder}" in capsys.readouterr().err
    assert price(tmp_path, "--resume", str(folder)) == 0
    assert len(runs.requests) == 7
    assert price(tmp_path, "--resume", str(folder), "--rounds", "8") == 0
    assert json.loads((folder / "price.json").read_text())["reproduce"].endswith("--rounds 8 --seed 1")


def test_a_series_that_was_edited_or_is_of_something_else_is_told(runs: Runs, tmp_path: Path, capsys: Captured) -> None:
    """Its rounds would be of two things."""
    price(tmp_path, "--defences", "timeout", "--rounds", "2")
    folder = the_series(tmp_path)
    series = json.loads((folder / "series.json").read_text())
    for change, told in (({"definition": "x"}, "begin a new series"), ({"seed": None}, "does not say what was asked")):
        asked = {name: value for name, value in {**series["asked"], **change}.items() if value is not None}
        (folder / "series.json").write_text(json.dumps({**series, "asked": asked}))
        capsys.readouterr()
        assert price(tmp_path, "--resume", str(folder)) == EXIT_USAGE
        assert told in capsys.readouterr().err
    assert len(runs.requests) == 2
