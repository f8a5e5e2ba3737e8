"""Seconds and memory to judge a record of a million requests and to draw its reports.

In a process of its own, because memory is told as the most that a process ever had.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from benchmarks.synthetic import write_record

ROWS = 1_000_000
SEED = 1


def measure() -> dict[str, Any]:
    """Return seconds by the wall clock and by the CPU, the memory, and what the record holds."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "record"
        # The maker takes memory too, which a child would be told as its own if it were forked from it.
        subprocess.run([sys.executable, "-m", "benchmarks.record", "write", str(folder)], check=True)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.record", "report", str(folder)], check=True, capture_output=True
        )
        told: dict[str, Any] = orjson.loads(done.stdout)
        return told


def _report(folder: Path) -> dict[str, Any]:
    from rulezero import checkout
    from rulezero.cli.executing import conclude, draw
    from rulezero.record import read_record

    start_s = time.perf_counter()
    record = conclude(read_record(folder), checkout.load_experiment("cascading_failure"))
    page = draw(record)
    wall_s, usage = time.perf_counter() - start_s, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rows": ROWS,
        "arms": len(record.verdict["arms"]),
        "seconds": round(wall_s, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1000),
        "page_mb": round(page.stat().st_size / 1e6, 1),
    }


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write_record(Path(sys.argv[2]), rows=ROWS, seed=SEED)
    else:
        sys.stdout.write(orjson.dumps(_report(Path(sys.argv[2]))).decode())
