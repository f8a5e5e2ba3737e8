"""Everything one run left on disk, from text that grows while it runs to columnar files at its end.

Layout: manifest.json, rows / metrics / spans / generator.parquet, verdict.json, report.html, report.md, logs/ARM/.
While an arm runs its files are text under raw/ARM; `finish` turns them into columns, and so does `read_record` for a
run that crashed.
"""

import shutil
from collections.abc import Mapping
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
    """Make the folder of a new record and return it.

    Raises:
        StorageProblem: It cannot be made.

    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = parent / f"{stamp}-{experiment}{suffix}"
        try:
            (folder / "raw").mkdir(parents=True)
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
        raise StorageProblem(f"{path}: {error.strerror}; free some space or choose another --out") from None
    finally:
        partial.unlink(missing_ok=True)


def finish(folder: Path) -> None:
    """Turn the text of all arms into columnar files, then remove it. Does nothing when that was done.

    Raises:
        StorageProblem: No space or no permission; the text stays.

    """
    raw = folder / "raw"
    if not raw.is_dir():
        return
    arms = sorted((arm for arm in raw.iterdir() if arm.is_dir()), key=lambda arm: arm.stat().st_ctime_ns)
    try:
        for table, (file, schema) in TABLES.items():
            frames = [_read_text(arm / file, schema).select(pl.lit(arm.name).alias("arm"), pl.all()) for arm in arms]
            empty = pl.DataFrame(schema={"arm": pl.String, **schema})
            partial = folder / f"{table}.parquet.partial"
            pl.concat([empty, *frames]).write_parquet(partial)
            partial.replace(folder / f"{table}.parquet")
        shutil.rmtree(raw)
    except OSError as error:
        raise StorageProblem(
            f"{folder}: {error.strerror or error}; free some space, then: rulezero report {folder}"
        ) from None


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
        text, schema=schema, separator="\t" if path.suffix == ".tsv" else ",", quote_char=None, ignore_errors=True
    )


def read_record(folder: Path) -> Record:
    """Return a record from its folder, finishing it first if its run did not.

    Raises:
        UsageProblem: The folder is not a record.

    """
    manifest_path = folder / "manifest.json"
    try:
        manifest = orjson.loads(manifest_path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise UsageProblem(f"{folder} is not a record (no readable manifest.json); name a folder under runs/") from None
    finish(folder)
    verdict_path = folder / "verdict.json"
    verdict = orjson.loads(verdict_path.read_bytes()) if verdict_path.exists() else {}
    try:
        tables = {table: pl.read_parquet(folder / f"{table}.parquet") for table in TABLES}
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageProblem(f"{folder} is not a whole record: {error}; run the experiment again") from None
    return Record(folder=folder, manifest=manifest, verdict=verdict, **tables)
