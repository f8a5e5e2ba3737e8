"""Everything one run left on disk, from text that grows while it runs to columnar files at its end.

Layout: manifest.json, rows / metrics / spans / generator.parquet, verdict.json, report.html, report.md, logs/PART.log.
While an arm runs its files are text under raw/ARM; `finish` turns them into columns, and so does `read_record` for a
run that crashed.
"""

import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from rulezero.errors import StorageProblem, UsageProblem

TABLES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "rows": (
        "rows.csv",
        {
            "intended_s": pl.Float64, "sent_s": pl.Float64, "latency_ms": pl.Float64, "route": pl.String,
            "key": pl.Int64, "priority": pl.String, "phase": pl.String, "outcome": pl.String, "status": pl.Int64,
            "attempts": pl.Int64, "operation_id": pl.String, "trace_id": pl.String, "kind": pl.String,
        },
    ),
    "metrics": (
        "metrics.tsv",
        {"t_s": pl.Float64, "process": pl.String, "name": pl.String, "labels": pl.String, "value": pl.Float64},
    ),
    "spans": (
        "spans.jsonl",
        {
            "trace_id": pl.String, "span_id": pl.String, "parent_id": pl.String, "service": pl.String,
            "name": pl.String, "kind": pl.String, "start_s": pl.Float64, "duration_ms": pl.Float64,
            "status": pl.String, "attributes": pl.String,
        },
    ),
    "generator": (
        "generator.csv",
        {
            "t_s": pl.Float64, "scheduled": pl.Int64, "sent": pl.Int64, "dropped": pl.Int64, "in_flight": pl.Int64,
            "send_lag_max_ms": pl.Float64, "cpu_s": pl.Float64,
        },
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A finished record in memory. Every table has the column `arm`; times are seconds since the arm's load began."""

    folder: Path
    manifest: dict[str, Any]
    rows: pl.DataFrame
    metrics: pl.DataFrame
    spans: pl.DataFrame
    generator: pl.DataFrame
    verdict: dict[str, Any]


def new_record(parent: Path, experiment: str) -> Path:
    """Make the folder of a new record and return it. Raises StorageProblem."""
    folder = new_folder(parent, experiment)
    try:
        (folder / "raw").mkdir()
    except OSError as error:
        raise StorageProblem(f"{folder}: {error.strerror}; choose another --out") from None
    return folder


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder of that name with the time before it, and return it.

    Raises:
        StorageProblem: It cannot be made.

    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = parent / f"{stamp}-{name}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageProblem(f"{folder}: {error.strerror}; choose another --out") from None
        return folder
    raise StorageProblem(f"{parent} holds a hundred records of this second; choose another --out")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file as a whole or not at all.

    Raises:
        StorageProblem: No space or no permission.

    """
    write_text(path, orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file as a whole or not at all.

    Raises:
        StorageProblem: No space or no permission.

    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageProblem(f"{path}: {error.strerror}; free some space or choose another place") from None
    finally:
        with suppress(OSError):  # What could not be written for this reason cannot be removed for it either.
            partial.unlink(missing_ok=True)


def finish(folder: Path) -> None:
    """Turn the text of all arms into columnar files, then remove it. Does nothing when that was done.

    Raises:
        StorageProblem: No space or no permission; the text stays.

    """
    raw, done = folder / "raw", folder / "raw.done"
    shutil.rmtree(done, ignore_errors=True)
    if not raw.is_dir():
        return
    arms = sorted((arm for arm in raw.iterdir() if arm.is_dir()), key=lambda arm: arm.stat().st_ctime_ns)
    try:
        for table in TABLES:
            _write_table(folder, table, arms)
        # Renamed first: half a folder of text, left by a kill, would otherwise be taken for the whole.
        shutil.rmtree(raw.rename(done))
    except (OSError, pl.exceptions.PolarsError) as error:  # Polars has errors of its own for a full disk.
        raise StorageProblem(f"{folder}: {error}; free some space, then: rulezero report {folder}") from None


def _write_table(folder: Path, table: str, arms: Iterable[Path]) -> None:
    file, schema = TABLES[table]
    frames = [_read_text(arm / file, schema).select(pl.lit(arm.name).alias("arm"), pl.all()) for arm in arms]
    partial = folder / f"{table}.parquet.partial"
    try:
        pl.concat([pl.DataFrame(schema={"arm": pl.String, **schema}), *frames]).write_parquet(partial)
        partial.replace(folder / f"{table}.parquet")
    finally:
        partial.unlink(missing_ok=True)


def _read_text(path: Path, schema: Mapping[str, Any]) -> pl.DataFrame:
    """Read one text table; a last line that a crash cut short is left out."""
    if not path.exists():
        return pl.DataFrame(schema=schema)
    text = path.read_bytes()
    text = text[: text.rfind(b"\n") + 1]
    if path.suffix == ".jsonl":
        return pl.read_ndjson(text, schema=schema) if text else pl.DataFrame(schema=schema)
    if text.count(b"\n") < 2:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        text,
        schema=schema,
        separator="\t" if path.suffix == ".tsv" else ",",
        quote_char=None,
        empty_string_is_null=False,
        ignore_errors=True,
        truncate_ragged_lines=True,
    )


def read_record(folder: Path) -> Record:
    """Return a record from its folder, finishing it first if its run did not.

    Raises:
        UsageProblem: The folder is not a record.

    """
    manifest = _read_json(folder / "manifest.json")
    if "experiment" not in manifest:
        raise UsageProblem(f"{folder} is not a record (no readable manifest.json); name a folder under runs/")
    finish(folder)
    verdict = _read_json(folder / "verdict.json")
    try:
        tables = {table: _read_columns(folder, table) for table in TABLES}
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageProblem(f"{folder} is not a whole record: {error}; run the experiment again") from None
    return Record(folder=folder, manifest=manifest, verdict=verdict, **tables)


def _read_columns(folder: Path, table: str) -> pl.DataFrame:
    path = folder / f"{table}.parquet"
    stored = pl.scan_parquet(path)
    if stored.collect_schema() != {"arm": pl.String, **TABLES[table][1]}:
        raise UsageProblem(f"{path} has other columns than a record's; run the experiment again")
    if table == "metrics":
        # Most samples are of buckets and of what the Prometheus client tells by itself; nothing here asks for them.
        unasked = pl.col("name").str.ends_with("_bucket") | pl.col("name").str.contains("^(?:python|process)_")
        stored = stored.filter(~unasked)
    return stored.collect()


def _read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file, empty where there is none: a verdict can be made again."""
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
