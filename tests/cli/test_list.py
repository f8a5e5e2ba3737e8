"""rulezero list: every experiment with its question and its arms."""

from pathlib import Path

import pytest

from rulezero.checkout import experiment_names, load_experiment
from rulezero.cli import main
from rulezero.cli.list import markdown_table


def test_every_experiment_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, question and arms, for a wide terminal in one line each."""
    monkeypatch.setenv("COLUMNS", "600")
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    for name in experiment_names():
        experiment = load_experiment(name)
        line = next(line for line in told.splitlines() if line.startswith(name))
        assert experiment.question in line
        assert ", ".join(arm.name for arm in experiment.arms) in line


def test_markdown_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Four cells in every line, whatever the sentences hold."""
    assert main(["list", "--markdown"]) == 0
    told = capsys.readouterr().out
    assert told == markdown_table()
    lines = told.splitlines()
    assert len(lines) == 2 + len(experiment_names())
    assert {line.count("|") for line in lines} == {5}


def test_the_readme_quotes_it() -> None:
    """What README.md says of the experiments is what the files say."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert markdown_table() in readme
