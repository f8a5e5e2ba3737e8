"""Each test has a temporary folder to itself; the data template is made once."""

import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def template_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path: Path, template_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that labs are made in."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(template_cache))
    return folder
