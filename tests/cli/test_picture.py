"""rulezero picture: one file from a record, and the small record beside it."""

from pathlib import Path

import pytest

from rulezero.cli import main
from rulezero.errors import EXIT_IO, EXIT_USAGE
from rulezero.record import read_record
from tests.cli.recorded import write_record


def test_svg_and_png(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name of the file says which; where it is, is printed."""
    folder = write_record(tmp_path / "run")
    for name, begins in (("a.svg", b"<svg"), ("a.png", b"\x89PNG")):
        assert main(["picture", str(folder), "--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(begins)
        assert capsys.readouterr().out == f"picture: {tmp_path / name}\n"


def test_keep_writes_the_small_record(tmp_path: Path) -> None:
    """And the picture is drawn from that, so that both belong together."""
    folder = write_record(tmp_path / "run")
    main(["report", str(folder)])
    kept = tmp_path / "docs/kept"
    assert main(["picture", str(folder), "--out", str(tmp_path / "a.svg"), "--keep", str(kept)]) == 0
    assert main(["picture", str(kept), "--out", str(tmp_path / "b.svg")]) == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert read_record(kept).verdict == read_record(folder).verdict


@pytest.mark.parametrize(
    ("out", "status", "told"),
    [
        ("a.pdf", EXIT_USAGE, "neither .svg nor .png"),
        ("no/a.svg", EXIT_IO, "No such"),
        ("no/a.png", EXIT_IO, "No such"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    tmp_path: Path, out: str, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown kind of file, or no place to write it."""
    folder = write_record(tmp_path / "run")
    assert main(["picture", str(folder), "--out", str(tmp_path / out)]) == status
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
