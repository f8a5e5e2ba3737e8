"""The machine itself: cores busy, CPU of each part, memory (PSS) of the lab.

PSS splits shared pages among those who share them, so that forked services and PostgreSQL's processes add up right.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from rulezero.collect.samples import SampleLog

PERIOD_S = 1.0
_MEMORY_EVERY = 5  # reading smaps costs a millisecond a process

Processes = Callable[[], Mapping[str, Sequence[int]]]


class MachineSampler:
    """Appends samples of process "machine" once a second until cancelled."""

    def __init__(self, processes: Processes, log: SampleLog, *, zero_s: float) -> None:
        self._processes = processes
        self._log = log
        self._zero_s = zero_s
        self._cpu_s: dict[int, float] = {}

    async def run(self) -> None:
        """Sample until cancelled."""
        clock = asyncio.get_running_loop().time
        busy_s, at_s, turn = _busy_s(), clock(), 0
        self._cores(at_s, 1.0)
        while True:
            await asyncio.sleep(PERIOD_S)
            elapsed_s, before_s = clock() - at_s, busy_s
            busy_s, at_s = _busy_s(), clock()
            self._sample(at_s, "machine_cores_busy", "", (busy_s - before_s) / elapsed_s)
            self._cores(at_s, elapsed_s)
            if turn % _MEMORY_EVERY == 0:
                self._memory(at_s)
            turn += 1

    def _cores(self, at_s: float, elapsed_s: float) -> None:
        for part, pids in self._processes().items():
            used_s, known = 0.0, False
            for pid in pids:
                now_s = _cpu_s(pid)
                if pid in self._cpu_s:
                    used_s, known = used_s + max(0.0, now_s - self._cpu_s[pid]), True
                self._cpu_s[pid] = now_s
            if known:
                self._sample(at_s, "machine_process_cores", f'part="{part}"', used_s / elapsed_s)

    def _memory(self, at_s: float) -> None:
        for part, pids in self._processes().items():
            self._sample(at_s, "machine_pss_bytes", f'part="{part}"', float(sum(pss_bytes(pid) for pid in pids)))

    def _sample(self, at_s: float, name: str, labels: str, value: float) -> None:
        self._log.sample(at_s - self._zero_s, "machine", name, labels, value)


def _busy_s() -> float:
    times = psutil.cpu_times()
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    return float(sum(times[:8]) - idle_s)


def _cpu_s(pid: int) -> float:
    with suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0


def pss_bytes(pid: int) -> int:
    """Return the proportional set size of a process; its resident size where the platform tells no PSS; 0 if gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
