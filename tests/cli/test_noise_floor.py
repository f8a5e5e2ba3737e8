"""The file of noise floors: one place for all experiments of a machine."""

from pathlib import Path
from typing import Any

import pytest

from rulezero.cli.noise_floor import FILE, Floor, keep_floor, read_floor
from rulezero.errors import UsageProblem

HERE: dict[str, Any] = {"cores": 2, "python": "3.11"}


def floor(**floors: float) -> Floor:
    return Floor(arm="none", series="a", pairs=20, host=HERE, time="2026-11-22T12:00:00+00:00", floors=floors)


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    """By experiment; a later one of the same experiment takes its place, others stay."""
    keep_floor(tmp_path, "one", floor(goodput=0.01))
    keep_floor(tmp_path, "two", floor(goodput=0.02))
    keep_floor(tmp_path, "one", floor(goodput=0.03))
    assert read_floor(tmp_path, "one", HERE) == floor(goodput=0.03)
    assert read_floor(tmp_path, "two", HERE) == floor(goodput=0.02)
    assert read_floor(tmp_path, "three", HERE) is None


def test_another_machine_says_nothing_of_this_one(tmp_path: Path) -> None:
    """What it could tell is not what this one can."""
    keep_floor(tmp_path, "one", floor(goodput=0.01))
    assert read_floor(tmp_path, "one", {**HERE, "cores": 64}) is None


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    """Also where there is no folder yet."""
    assert read_floor(tmp_path / "runs", "one", HERE) is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"one": {}}', b'{"one": {"floors": {"goodput": -1}}}', b"\xff"])
def test_a_file_that_somebody_spoilt(tmp_path: Path, content: bytes) -> None:
    """One line that names it and the remedy, also before it is written over."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UsageProblem, match=r"noise_floor.json is not what `rulezero aa` writes .*; remove it"):
        read_floor(tmp_path, "one", HERE)
    with pytest.raises(UsageProblem, match="remove it"):
        keep_floor(tmp_path, "one", floor(goodput=0.01))
    assert (tmp_path / FILE).read_bytes() == content
