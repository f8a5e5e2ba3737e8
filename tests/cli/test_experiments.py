"""Experiments by name, by file, and out of a record."""

import re
from pathlib import Path

import pytest

from rulezero.checkout import load_experiment
from rulezero.cli import main
from rulezero.cli.experiments import asked, changed, noted, recorded
from rulezero.errors import EXIT_USAGE, UsageProblem

EXAMPLE = "examples/own_service/own_service.toml"


def test_a_name_or_a_file() -> None:
    """What ends in .toml is a file of one's own."""
    assert asked("cascading_failure") is load_experiment("cascading_failure")
    assert asked(EXAMPLE).asked_as == EXAMPLE


def test_a_record_holds_the_file_that_it_was_measured_by(tmp_path: Path) -> None:
    """So that it can be judged again after the file has changed or is gone."""
    path = tmp_path / "mine.toml"
    path.write_text(Path(EXAMPLE).read_text())
    experiment = asked(str(path))
    manifest = {"experiment": experiment.name, **noted(experiment)}
    path.unlink()
    again = recorded(manifest)
    assert (again.arms, again.streams, again.own) == (experiment.arms, experiment.streams, experiment.own)
    assert not changed(manifest)


def test_a_record_of_an_experiment_of_the_checkout() -> None:
    """It is found by its name, and a change of its file is noticed."""
    manifest = {"experiment": "cascading_failure", **noted(load_experiment("cascading_failure"))}
    assert recorded(manifest) is load_experiment("cascading_failure")
    assert not changed(manifest)
    assert changed({**manifest, "definition": "other"})


@pytest.mark.parametrize("file", [1, {}, {"path": "x.toml"}, {"path": "x.toml", "text": "["}])
def test_a_record_that_was_edited(file: object) -> None:
    """One line, as of a file."""
    with pytest.raises(UsageProblem):
        recorded({"experiment": "x", "file": file})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("no/such.toml",), "no/such.toml cannot be read"),
        ((EXAMPLE, "--arms", "some"), "own_service has no arm 'some'; there are: no_timeout, timeout"),
        ((EXAMPLE, "--target", "compose"), "leave --target out"),
        ((EXAMPLE, "--prometheus"), "leave --prometheus out"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is left behind."""
    assert main(["run", *arguments, "--out", str(tmp_path)]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_verbs_that_refuse_a_file_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document names each of them, and they do."""
    (told,) = re.findall(r"`(\w+)` and `(\w+)` refuse it", Path("docs/own_service.md").read_text())
    assert set(told) == {"matrix", "sweep"}
    for verb, more in (("matrix", ()), ("sweep", ("--vary", "load=1,2"))):
        assert main([verb, EXAMPLE, *more, "--out", str(tmp_path)]) == EXIT_USAGE
        assert "own_service" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
