"""The file of noise floors: one place for all experiments of a machine."""

from pathlib import Path
from typing import Any

import pytest

from rulezero.cli.noise_floor import FILE, Floor, keep_floor, read_floor
from rulezero.errors import UsageProblem

HERE: dict[str, Any] = {"cores": 2, "python": "3.11"}


def floor(**floors: float) -> Floor:
    return Floor(
        arm="none", series="a", pairs=20, host=HERE, definition="0" * 64, target="embedded",
        time="2026-11-22T12:00:00+00:00", floors=floors,
    )  # fmt: skip


def read(out: Path, name: str, told: list[str] | None = None, **changes: Any) -> Floor | None:
    asked: dict[str, Any] = {"host": HERE, "definition": "0" * 64, "target": "embedded", "arm": "none", **changes}
    return read_floor(out, name, asked.pop("host"), told=(told if told is not None else []).append, **asked)


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    """By experiment; a later one of the same experiment takes its place, others stay."""
    keep_floor(tmp_path, "one", floor(goodput=0.01))
    keep_floor(tmp_path, "two", floor(goodput=0.02))
    keep_floor(tmp_path, "one", floor(goodput=0.03))
    assert read(tmp_path, "one") == floor(goodput=0.03)
    assert read(tmp_path, "two") == floor(goodput=0.02)
    assert read(tmp_path, "three") is None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"host": {**HERE, "cores": 64}}, "machine"),
        ({"definition": "1" * 64}, "definition of the experiment"),
        ({"target": "compose"}, "target"),
        ({"arm": "naive"}, "arm"),
    ],
)
def test_a_floor_of_something_else_says_nothing_of_this(tmp_path: Path, change: dict[str, Any], what: str) -> None:
    """It is told that there is one."""
    keep_floor(tmp_path, "one", floor(goodput=0.01))
    told: list[str] = []
    assert read(tmp_path, "one", told, **change) is None
    assert len(told) == 1
    assert f"has a floor of another {what}; it is not used" in told[0]


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    """Also where there is no folder yet."""
    assert read(tmp_path / "runs", "one") is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"one": {}}', b'{"one": {"floors": {"goodput": -1}}}', b"\xff"])
def test_a_file_that_somebody_spoilt(tmp_path: Path, content: bytes) -> None:
    """One line that names it and the remedy, also before it is written over."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UsageProblem, match=r"noise_floor.json is not what `rulezero aa` writes .*; remove it"):
        read(tmp_path, "one")
    with pytest.raises(UsageProblem, match="remove it"):
        keep_floor(tmp_path, "one", floor(goodput=0.01))
    assert (tmp_path / FILE).read_bytes() == content
