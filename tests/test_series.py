"""A series on disk: what was written is read, and what is no series is told in one line."""

from pathlib import Path

import pytest

from rulezero.errors import StorageProblem, UsageProblem
from rulezero.series import FILE, kind_of, new_series, read_series, write_series
from tests.analysis.pair_series import entry, series


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Entries in order, with values that a run does not have; under a name that says what it is."""
    one = entry(1, {"none": {"goodput": 0.4}, "timeout": {"goodput": None}}, not_exercised={"timeout": ["timeout"]})
    bad = entry(2, {"none": {}}, valid=False)
    made = series(one)
    folder = new_series(tmp_path / "runs", made)
    assert folder.name.endswith("-ab-cascading_failure")
    made.entries.append(bad)
    write_series(folder, made)
    assert read_series(folder, "ab") == made
    assert read_series(folder, "ab").valid() == [one]
    assert {path.name for path in folder.iterdir()} == {FILE}


def test_a_series_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """What entries have gained since has a default."""
    folder = new_series(tmp_path, series(entry(1, {"none": {}})))
    text = (folder / FILE).read_text(encoding="utf-8")
    assert '"not_exercised": {}' in text
    (folder / FILE).write_text(text.replace(',\n      "not_exercised": {}', ""), encoding="utf-8")
    assert read_series(folder, "ab").entries[0].not_exercised == {}


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"kind": 1}', b"\xff\xfe", b'{"kind": "ab"', b"[" * 100_000])
def test_what_is_no_series(tmp_path: Path, content: bytes) -> None:
    """One line that names the folder and what it should be."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UsageProblem, match=r"is no series .* name a folder that `rulezero ab` made"):
        read_series(tmp_path, "ab")
    with pytest.raises(UsageProblem, match="is no series"):
        kind_of(tmp_path)


def test_a_folder_without_one(tmp_path: Path) -> None:
    """Has no kind, and cannot be read."""
    assert kind_of(tmp_path) is None
    assert kind_of(tmp_path / "nowhere") is None
    with pytest.raises(UsageProblem, match="is no series"):
        read_series(tmp_path, "aa")


def test_a_series_of_another_verb(tmp_path: Path) -> None:
    """Says of which."""
    folder = new_series(tmp_path, series(kind="aa"))
    assert kind_of(folder) == "aa"
    with pytest.raises(UsageProblem, match="was made by `rulezero aa`; name one of `rulezero ab`"):
        read_series(folder, "ab")


def test_a_place_that_takes_none(tmp_path: Path) -> None:
    """A file where the folder should be: one line, nothing left behind."""
    (tmp_path / "runs").write_text("x", encoding="utf-8")
    with pytest.raises(StorageProblem, match="choose another --out"):
        new_series(tmp_path / "runs", series())
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
