"""What is committed is what the code makes."""

from importlib.metadata import version
from pathlib import Path

import pytest

from dashboards import __main__ as command
from dashboards.boards import BOARDS
from dashboards.grafana_json import board_files, text_of


def test_nothing_has_drifted() -> None:
    """Boards and rules alike, and there is no file that the code does not make."""
    assert command.drift() == []


def test_drift_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed file, a missing one and one too many; `build` puts them right."""
    changed, missing, foreign = (tmp_path / name for name in ("changed.json", "missing.json", "foreign.json"))
    changed.write_text("old", encoding="utf-8")
    foreign.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(command, "generated", lambda: {changed: "new", missing: "new"})
    monkeypatch.setattr(command, "_committed", lambda: set(tmp_path.glob("*.json")))
    assert command.drift() == [changed, foreign, missing]
    assert command.main(["check"]) == 1
    assert "python -m dashboards build" in capsys.readouterr().out
    assert command.main(["build"]) == 0
    assert command.drift() == []
    assert not foreign.exists()
    assert command.main(["check"]) == 0


def test_the_same_board_is_the_same_text() -> None:
    """Otherwise every build would be a change."""
    assert text_of(BOARDS[0]) == text_of(BOARDS[0])
    assert len(board_files(BOARDS)) == len(BOARDS)


def test_the_sdk_is_of_the_line_that_lives() -> None:
    """Versions with an epoch sort above it, and hold the oldest schema."""
    assert version("grafana-foundation-sdk").removeprefix("v") == "0.0.21"
