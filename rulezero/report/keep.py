"""The part of a record that its report needs, small enough to be committed."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from rulezero.analysis.traces import chosen_traces
from rulezero.errors import StorageProblem, UsageProblem
from rulezero.record import TABLES, Record, write_json

BYTES_MAX = 1_000_000
TRACES_PER_ARM = 12
_INSTANTS: Mapping[str, int] = {"intended_s": 3, "sent_s": 3, "start_s": 5, "t_s": 3}
_LENGTHS: Mapping[str, int] = {"latency_ms": 1, "duration_ms": 3}
# A number that is round already stays, however its binary form is off.
_EXACT = 1e-6


def keep(record: Record, folder: Path) -> Path:
    """Write a record's manifest, verdict and tables, without most of its traces; return the folder.

    Times are rounded to what a chart can show: instants down, so that none changes its second, and latencies up, so
    that none comes within its deadline.

    Raises:
        UsageProblem: The folder is the record itself, the record has no verdict, or too much would be left.
        StorageProblem: It cannot be written.

    """
    if folder.resolve() == record.folder.resolve():
        raise UsageProblem(f"{folder} is the record itself; name another folder for --keep")
    if not record.verdict:
        raise UsageProblem(f"{record.folder} has no verdict; first: rulezero report {record.folder}")
    kept = _kept_traces(record)
    tables = {
        "rows": _without_operations(record.rows, kept),
        "metrics": record.metrics.filter(~pl.col("name").str.ends_with("_bucket")),
        "spans": record.spans.join(kept, on=["arm", "trace_id"], how="semi"),
        "generator": record.generator,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            _rounded(tables[name]).write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=19)
    except OSError as error:
        raise StorageProblem(f"{folder}: {error.strerror}; choose another --keep") from None
    write_json(folder / "manifest.json", {**record.manifest, "kept_traces": kept.height})
    write_json(folder / "verdict.json", record.verdict)
    size = sum((folder / f"{name}.parquet").stat().st_size for name in TABLES)
    if size > BYTES_MAX:
        raise UsageProblem(f"{folder} is {size:,} bytes, too much to commit; keep a run of fewer arms")
    return folder


def _kept_traces(record: Record) -> pl.DataFrame:
    """Return the traces that a report chooses, and some of each arm from its beginning to its end."""
    first = record.spans.group_by("arm", "trace_id").agg(pl.col("start_s").min()).sort("arm", "start_s", "trace_id")
    place = pl.int_range(pl.len()).over("arm")
    every = (pl.len().over("arm") // TRACES_PER_ARM).clip(lower_bound=1)
    chosen = [(one["arm"], one["trace_id"]) for one in chosen_traces(record.rows, record.spans)]
    wanted = pl.DataFrame(chosen, schema={"arm": pl.String, "trace_id": pl.String}, orient="row")
    return pl.concat([first.filter(place % every == 0).select("arm", "trace_id"), wanted]).unique(maintain_order=True)


def _without_operations(rows: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    marked = rows.join(kept.with_columns(kept=pl.lit(value=True)), on=["arm", "trace_id"], how="left")
    trace = pl.when(pl.col("kept")).then(pl.col("trace_id")).otherwise(pl.lit("")).alias("trace_id")
    return marked.with_columns(trace, pl.lit("").alias("operation_id")).select(rows.columns)


def _rounded(table: pl.DataFrame) -> pl.DataFrame:
    columns = []
    for name, digits in (*_INSTANTS.items(), *_LENGTHS.items()):
        if name in table.columns:
            scaled = pl.col(name) * 10.0**digits
            whole = (scaled + _EXACT).floor() if name in _INSTANTS else (scaled - _EXACT).ceil()
            columns.append(whole / 10.0**digits)
    return table.with_columns(columns)
