"""Mirrors rulezero/toxiproxy/find.py."""

from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.toxiproxy.find import PROGRAM, VARIABLE, find_toxiproxy_server


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An executable of the right name."""
    path = tmp_path / PROGRAM
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_variable_comes_first(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named program is taken as it is."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv(VARIABLE, str(program))
    assert find_toxiproxy_server() == program


def test_path_comes_second(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable PATH is searched; nothing found is None."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_toxiproxy_server() == program
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_toxiproxy_server() is None


@pytest.mark.parametrize("mode", [None, 0o600])
def test_wrong_variable_is_told(program: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None) -> None:
    """A file that is missing or not executable is not passed over in silence."""
    if mode is None:
        program.unlink()
    else:
        program.chmod(mode)
    monkeypatch.setenv(VARIABLE, str(program))
    with pytest.raises(UsageProblem, match=VARIABLE):
        find_toxiproxy_server()
