"""rulezero report: verdict and reports again, from the record alone."""

import json
from pathlib import Path

import jsonschema
import pytest

from rulezero.cli import main
from rulezero.cli.report import SERIES
from rulezero.errors import EXIT_IO, EXIT_OF_VERDICT, EXIT_USAGE
from rulezero.series import new_series
from tests.analysis.pair_series import series
from tests.analysis.records import SCHEMA
from tests.cli.recorded import write_record


def test_a_record_is_judged_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Verdict and both reports are written, the exit status is the verdict's, and nothing else changes."""
    folder = write_record(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    status = main(["report", str(folder)])
    verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    jsonschema.validate(verdict, SCHEMA)
    assert status == EXIT_OF_VERDICT[verdict["verdict"]]
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(after) - set(before) == {"verdict.json", "report.html", "report.md"}
    assert {name: after[name] for name in before} == before
    told = capsys.readouterr().out
    assert verdict["experiment"] in told
    assert str(folder / "report.html") in told


def test_a_second_time_says_the_same(tmp_path: Path) -> None:
    """A verdict is a function of the record."""
    folder = write_record(tmp_path / "run")
    first = main(["report", str(folder)])
    verdict = (folder / "verdict.json").read_bytes()
    assert main(["report", str(folder)]) == first
    assert (folder / "verdict.json").read_bytes() == verdict


def test_a_record_of_an_experiment_that_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its definition is needed to judge it: told in one line."""
    folder = write_record(tmp_path / "run")
    text = (folder / "manifest.json").read_text(encoding="utf-8").replace('"cascading_failure"', '"long_gone"')
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    assert main(["report", str(folder)]) == EXIT_USAGE
    assert capsys.readouterr().err.startswith("rulezero: there is no experiment 'long_gone'; there are: ")


def test_a_record_that_cannot_be_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder where a file belongs: one line, and no half-written file."""
    folder = write_record(tmp_path / "run")
    (folder / "report.md").mkdir()
    assert main(["report", str(folder)]) == EXIT_IO
    assert "report.md: Is a directory" in capsys.readouterr().err
    assert not list(folder.glob("*.partial"))


def test_a_series_of_a_verb_without_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is told with those that have some."""
    folder = new_series(tmp_path, series(kind="guess"))
    assert main(["report", str(folder)]) == EXIT_USAGE
    assert f"is a series of `rulezero guess`, not of: {', '.join(SERIES)}" in capsys.readouterr().err


@pytest.mark.parametrize("kind", sorted(SERIES))
def test_a_series_that_does_not_say_what_was_asked(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of whatever verb: one line, and no report."""
    made = series(kind=kind)
    made.asked.clear()
    folder = new_series(tmp_path, made)
    assert main(["report", str(folder)]) == EXIT_USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["series.json"]
