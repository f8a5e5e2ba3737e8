"""Machine sampler: cores busy and memory, from real processes; what is gone counts as nothing."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rulezero.collect.machine import MachineSampler, pss_bytes
from rulezero.collect.samples import SampleLog

NO_SUCH_PID = 2**22 + 1


async def sampled(path: Path, processes: Mapping[str, Sequence[int]], for_s: float) -> list[list[str]]:
    log = SampleLog(path)
    sampler = MachineSampler(lambda: processes, log, zero_s=asyncio.get_running_loop().time())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(for_s):
            await sampler.run()
    log.close()
    return read(path)


def read(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]


async def test_samples_once_a_second_and_memory_now_and_then(tmp_path: Path) -> None:
    """Twelve seconds: twelve samples of the cores, memory every fifth; all from process "machine"."""
    rows = await sampled(tmp_path / "metrics.tsv", {"runner": [os.getpid()]}, for_s=12.5)
    names = [row[2] for row in rows]
    assert {row[1] for row in rows} == {"machine"}
    assert (names.count("machine_cores_busy"), names.count("machine_process_cores")) == (12, 12)
    memory = [row for row in rows if row[2] == "machine_pss_bytes"]
    assert [float(row[0]) for row in memory] == [1.0, 6.0, 11.0]
    assert all(row[3] == 'part="runner"' and float(row[4]) > 1_000_000 for row in memory)


async def test_a_process_that_is_gone_uses_nothing(tmp_path: Path) -> None:
    """A part that ended between two looks has no cores and no memory, and stops nobody."""
    rows = await sampled(tmp_path / "metrics.tsv", {"gone": [NO_SUCH_PID], "none": []}, for_s=1.5)
    values = {(row[2], row[3]): float(row[4]) for row in rows}
    assert values["machine_process_cores", 'part="gone"'] == 0.0
    assert values["machine_pss_bytes", 'part="gone"'] == 0.0
    assert values["machine_pss_bytes", 'part="none"'] == 0.0
    assert ("machine_process_cores", 'part="none"') not in values


@pytest.mark.wall_clock
async def test_work_shows_as_cores(tmp_path: Path) -> None:
    """A process that computes half of the time uses about half a core."""

    async def work() -> None:
        while True:
            until_s = time.thread_time() + 0.05
            while time.thread_time() < until_s:
                pass
            await asyncio.sleep(0.05)

    working = asyncio.create_task(work())
    rows = await sampled(tmp_path / "metrics.tsv", {"runner": [os.getpid()]}, for_s=1.3)
    working.cancel()
    used = next(float(row[4]) for row in rows if row[2] == "machine_process_cores")
    busy = next(float(row[4]) for row in rows if row[2] == "machine_cores_busy")
    assert 0.1 < used < 1.2
    assert 0.1 < busy <= 1.1 * (os.cpu_count() or 1)


def test_pss_of_nobody_is_zero() -> None:
    """A pid that does not exist has no memory."""
    assert pss_bytes(NO_SUCH_PID) == 0
