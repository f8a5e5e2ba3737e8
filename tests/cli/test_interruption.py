"""Ctrl-C in the middle of a real run: nothing survives it but a record that says so."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rulezero.errors import EXIT_INTERRUPTED
from rulezero.load.rows import HEADER
from rulezero.record import read_record

pytestmark = [pytest.mark.wall_clock, pytest.mark.end_to_end]

START_S_MAX = 60
END_S_MAX = 20


def wait_for(happened: Callable[[], bool], within_s: float) -> None:
    until_s = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < until_s
        time.sleep(0.1)


def has_rows(out: Path) -> bool:
    return any(path.stat().st_size > len(HEADER) for path in out.glob("*/raw/none/rows.csv"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_record_and_nothing_else(tmp_path: Path, number: signal.Signals) -> None:
    """As a terminal does, the signal goes to the whole process group; the second arm never begins."""
    command = [sys.executable, "-m", "rulezero", "run", "cascading_failure", "--arms", "none,timeout", "--quiet"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: has_rows(tmp_path) or process.poll() is not None, START_S_MAX)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) > 5
        os.killpg(process.pid, number)
        _, told = process.communicate(timeout=END_S_MAX)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == EXIT_INTERRUPTED
    assert "Traceback" not in told
    wait_for(lambda: not any(one.is_running() for one in family), END_S_MAX)
    (folder,) = tmp_path.iterdir()
    record = read_record(folder)
    assert record.manifest["interrupted"] is True
    assert [arm["name"] for arm in record.manifest["arms"]] == ["none"]
    assert record.verdict["invalid_reasons"][0] == "the run was interrupted"
    assert not record.rows.is_empty()
    assert not record.metrics.is_empty()
    assert not (folder / "raw").exists()
    assert (folder / "report.html").is_file()
