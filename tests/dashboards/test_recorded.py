"""Samples that a run left behind can be asked again."""

import shutil
from pathlib import Path

import pytest

from dashboards.prometheus_api import NoAnswer, Prometheus, Span
from dashboards.recorded import last_change_s, serving

pytestmark = pytest.mark.wall_clock


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="not run: prometheus is not on PATH")
def test_a_folder_of_samples_is_served(tmp_path: Path) -> None:
    """By a server that ends with the block, and scrapes nothing itself."""
    with serving(tmp_path / "samples") as url:
        assert Prometheus(url).over("up", Span(start_s=0.0, end_s=10.0)) == []
    with pytest.raises(NoAnswer, match="does not answer"):
        Prometheus(url).over("up", Span(start_s=0.0, end_s=10.0))


def test_without_a_server_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with the remedy."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RULEZERO_PROMETHEUS", raising=False)
    with pytest.raises(NoAnswer, match="not on PATH"), serving(tmp_path):
        pass


def test_a_server_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its last words."""
    program = tmp_path / "prometheus"
    program.write_text("#!/bin/sh\necho out of luck\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("RULEZERO_PROMETHEUS", str(program))
    with pytest.raises(NoAnswer, match="out of luck"), serving(tmp_path):
        pass


def test_a_folder_without_samples_is_told(tmp_path: Path) -> None:
    """Before anything is started; with samples, the time of the last of them counts."""
    with pytest.raises(NoAnswer, match="holds no samples"):
        last_change_s(tmp_path)
    (tmp_path / "wal").touch()
    assert last_change_s(tmp_path) == (tmp_path / "wal").stat().st_mtime
