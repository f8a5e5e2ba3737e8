"""A record on disk that was never run, for the verbs that read one."""

from pathlib import Path

from rulezero.record import TABLES, write_json
from tests.report.synthetic_record import synthetic_record


def write_record(folder: Path) -> Path:
    """Write the tables and the manifest; no verdict and no report yet."""
    folder.mkdir(parents=True)
    record = synthetic_record(folder)
    write_json(folder / "manifest.json", record.manifest)
    for table in TABLES:
        getattr(record, table).write_parquet(folder / f"{table}.parquet")
    return folder
