"""Record: what was written is never lost, whatever ends the run, and opens in other tools."""

import errno
import json
import math
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rulezero import record
from rulezero.collect.samples import HEADER as METRICS_HEADER
from rulezero.errors import StorageProblem, UsageProblem
from rulezero.load.rows import HEADER as ROWS_HEADER
from rulezero.load.rows import REPORT_HEADER
from rulezero.record import TABLES, finish, new_record, read_record, write_json, write_text

ROW = "1.000000,1.001000,12.500,browse,7,normal,baseline,ok,200,1,{id},{trace},stream\n"
SPAN = {
    "trace_id": "a" * 32, "span_id": "b" * 16, "parent_id": "", "service": "edge", "name": "GET /", "kind": "server",
    "start_s": 1.5, "duration_ms": 3.0, "status": "ok", "attributes": '{"x": 1}',
}  # fmt: skip


def write_arm(folder: Path, arm: str, *, rows: int = 3, cut: str = "") -> None:
    """Write one arm's text as a run does; `cut` is the half of a line that a crash left."""
    raw = folder / "raw" / arm
    raw.mkdir(parents=True)
    lines = "".join(ROW.format(id=f"{number:032x}", trace="") for number in range(rows))
    (raw / "rows.csv").write_text(ROWS_HEADER + lines + cut, encoding="utf-8")
    samples = '1.000\tedge\ta_total\tlink="x"\t3\n1.500\tmachine\tcores\t\tNaN\n2.000\tedge\tb\t\t+Inf\n'
    (raw / "metrics.tsv").write_text(METRICS_HEADER + samples + cut, encoding="utf-8")
    (raw / "spans.jsonl").write_text(json.dumps(SPAN) + "\n" + cut, encoding="utf-8")
    (raw / "generator.csv").write_text(REPORT_HEADER + "1.0,10,9,1,4,2.5,0.1\n" + cut, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a record as a run leaves it before it is finished."""
    folder = tmp_path / "run"
    write_arm(folder, "none")
    write_arm(folder, "all", rows=2)
    write_json(folder / "manifest.json", {"experiment": "x"})
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_text_becomes_columns(folder: Path) -> None:
    """Every table has its types and the arm each row belongs to, in the order the arms ran; the text is gone."""
    read = read_record(folder)
    assert read.rows.get_column("arm").to_list() == ["none"] * 3 + ["all"] * 2
    assert {table: dict(getattr(read, table).schema) for table in TABLES} == {
        table: {"arm": pl.String, **schema} for table, (_, schema) in TABLES.items()
    }
    assert read.rows.row(0, named=True)["latency_ms"] == 12.5
    assert read.rows.row(0, named=True)["trace_id"] == ""
    assert read.spans.row(0, named=True)["attributes"] == '{"x": 1}'
    assert read.generator.row(0)[1:] == (1.0, 10, 9, 1, 4, 2.5, 0.1)
    assert read.metrics.get_column("labels").to_list()[:3] == ['link="x"', "", ""]
    assert names(folder) == {"manifest.json", *(f"{table}.parquet" for table in TABLES)}


def test_numbers_that_are_none_are_read(folder: Path) -> None:
    """NaN and Inf are values of the exposition format."""
    finish(folder)
    values = pl.read_parquet(folder / "metrics.parquet").get_column("value").to_list()[:3]
    assert values[0] == 3.0
    assert math.isnan(values[1])
    assert values[2] == math.inf


def test_other_tools_open_the_files(folder: Path) -> None:
    """Pandas and DuckDB, where they are installed, see the rows that polars sees."""
    finish(folder)
    path = folder / "rows.parquet"
    assert pl.scan_parquet(path).select(pl.len()).collect().item() == 5
    for module, count in (
        ("pandas", lambda tool: len(tool.read_parquet(path))),
        ("duckdb", lambda tool: tool.sql(f"SELECT count(*) FROM '{path}'").fetchone()[0]),  # noqa: S608 - our own path.
    ):
        try:
            tool = __import__(module)
        except ImportError:
            continue
        assert count(tool) == 5
    assert path.read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize("cut", ["1.000000,1.00", "2.0\ted", '{"trace_id": "aa', "7"])
def test_a_line_that_a_crash_cut_short_costs_only_itself(tmp_path: Path, cut: str) -> None:
    """After kill -9 every whole line is there."""
    write_arm(tmp_path, "none", cut=cut)
    write_json(tmp_path / "manifest.json", {"experiment": "x"})
    read = read_record(tmp_path)
    assert [getattr(read, table).height for table in TABLES] == [3, 3, 1, 1]


def test_a_damaged_line_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    """Too many or too few fields leave the other rows readable."""
    write_arm(tmp_path, "none", rows=1)
    with (tmp_path / "raw/none/rows.csv").open("a", encoding="utf-8") as file:
        file.write("1,2,3\n" + ROW.strip() + ",one,too,many\n" + ROW.format(id="9" * 32, trace=""))
    finish(tmp_path)
    ids = pl.read_parquet(tmp_path / "rows.parquet").get_column("operation_id").to_list()
    assert ids[0] == "0" * 32
    assert ids[-1] == "9" * 32


def test_an_arm_without_files_has_no_rows(tmp_path: Path) -> None:
    """An arm that was interrupted before its first line is no problem, nor is a run without arms."""
    (tmp_path / "raw" / "none").mkdir(parents=True)
    (tmp_path / "raw" / "all").mkdir()
    (tmp_path / "raw" / "all" / "rows.csv").write_text(ROWS_HEADER, encoding="utf-8")
    write_json(tmp_path / "manifest.json", {"experiment": "x"})
    assert read_record(tmp_path).rows.is_empty()
    empty = tmp_path / "empty"
    (empty / "raw").mkdir(parents=True)
    finish(empty)
    assert pl.read_parquet(empty / "spans.parquet").columns == ["arm", *TABLES["spans"][1]]


def test_finishing_twice_changes_nothing(folder: Path) -> None:
    """The second time there is nothing to do."""
    finish(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    finish(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_kill_while_the_text_is_removed_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a folder of text is not taken for the whole: the columns made from all of it stay."""

    def killed(path: Path, **_: Any) -> None:
        if path.name == "raw.done" and path.exists():
            (path / "none" / "rows.csv").unlink()
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        finish(folder)
    monkeypatch.undo()
    assert read_record(folder).rows.height == 5
    assert not any(name.startswith("raw") for name in names(folder))


@pytest.mark.parametrize(
    "full",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_keeps_the_text(folder: Path, monkeypatch: pytest.MonkeyPatch, full: Exception) -> None:
    """One line that says what to do; no half-written file; with space again the record is finished."""

    def fails(_: pl.DataFrame, path: Path) -> None:
        path.write_bytes(b"PAR1 and half a column")
        raise full

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fails)
    with pytest.raises(
        StorageProblem, match=r"No space left on device.*free some space, then: rulezero report"
    ) as told:
        read_record(folder)
    assert "\n" not in str(told.value)
    assert names(folder) == {"manifest.json", "raw"}
    monkeypatch.undo()
    assert read_record(folder).rows.height == 5


def test_polars_says_so_when_the_disk_is_really_full() -> None:
    """Pins why `finish` catches Polars' own errors: a full disk is one of them, not an OSError."""
    with pytest.raises((OSError, pl.exceptions.PolarsError), match="No space left"):
        pl.DataFrame({"a": range(100_000)}).write_parquet("/dev/full")


def test_two_records_of_one_second_have_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the first one is finished already, so that nothing is written into it."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Stopped":
            return cls(2026, 11, 22, 12, 0, 0, tzinfo=tz or UTC)

    monkeypatch.setattr(record, "datetime", Stopped)
    first = new_record(tmp_path, "x")
    finish(first)
    folders = [first, new_record(tmp_path, "x"), new_record(tmp_path, "x"), new_record(tmp_path, "y")]
    assert [folder.name for folder in folders] == [
        "20261122T120000-x", "20261122T120000-x-2", "20261122T120000-x-3", "20261122T120000-y",
    ]  # fmt: skip
    assert all((folder / "raw").is_dir() for folder in folders[1:])


def test_the_hundredth_record_of_a_second_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound, told in one line."""
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(FileExistsError()))
    with pytest.raises(StorageProblem, match="holds a hundred records of this second"):
        new_record(tmp_path, "x")


def test_a_place_that_takes_no_record_is_told(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "runs").write_text("x", encoding="utf-8")
    with pytest.raises(StorageProblem, match="Not a directory; choose another --out"):
        new_record(tmp_path / "runs", "x")


@pytest.mark.parametrize("content", [None, "", "{", "[]", "3", '{"name": "other tool"}', "\x00"])
def test_a_folder_that_is_no_record_is_told(tmp_path: Path, content: str | None) -> None:
    """No manifest, or one that is not ours; nothing in the folder is touched."""
    if content is not None:
        (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    (tmp_path / "raw").mkdir()
    before = names(tmp_path)
    with pytest.raises(UsageProblem, match=r"is not a record.*name a folder under runs/"):
        read_record(tmp_path)
    assert names(tmp_path) == before


def test_a_record_with_a_table_missing_is_told(folder: Path) -> None:
    """Somebody removed a file."""
    finish(folder)
    (folder / "rows.parquet").unlink()
    with pytest.raises(UsageProblem, match="is not a whole record"):
        read_record(folder)


def test_a_broken_verdict_can_be_made_again(folder: Path) -> None:
    """A verdict is made from the rest, so an unreadable one is no verdict."""
    (folder / "verdict.json").write_text("{", encoding="utf-8")
    assert read_record(folder).verdict == {}
    write_json(folder / "verdict.json", {"valid": True})
    assert read_record(folder).verdict == {"valid": True}


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fills up in the middle, the old content stays and nothing half-written is left."""
    path = tmp_path / "verdict.json"
    write_json(path, {"old": 1})

    def fills_up(self: Path, *_: Any, **__: Any) -> int:
        with self.open("w", encoding="utf-8") as file:
            file.write('{"new"')
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fills_up)
    with pytest.raises(StorageProblem, match=r"verdict\.json: No space left on device; free some space"):
        write_text(path, "{}")
    assert json.loads(path.read_text(encoding="utf-8")) == {"old": 1}
    assert names(tmp_path) == {"verdict.json"}


def test_numbers_that_json_has_not_are_null(tmp_path: Path) -> None:
    """NaN and infinities never make a file that other parsers refuse."""
    write_json(tmp_path / "x.json", {"a": float("nan"), "b": [float("inf")]})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"a": None, "b": [None]}


def test_columns_of_another_kind_are_refused(folder: Path) -> None:
    """A table that somebody saved anew: named, before anything looks for a column that is not there."""
    finish(folder)
    pl.read_parquet(folder / "rows.parquet").drop("outcome").write_parquet(folder / "rows.parquet")
    with pytest.raises(UsageProblem, match=r"rows\.parquet has other columns than a record's"):
        read_record(folder)
