"""Each test has a temporary folder to itself; the data template is made once."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def template_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(template_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder that labs are made in; pytest's own are shut to the user that PostgreSQL may have to be."""
    folder = Path(tempfile.mkdtemp(prefix="lab-tests-"))
    folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(template_cache))
    yield folder
    shutil.rmtree(folder)
