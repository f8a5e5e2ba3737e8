"""The processes of the Toxiproxy benchmark, which cores they run on, and what else runs beside them."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks.toxiproxy_traffic import HOST
from rulezero.lab.kernel import die_with_parent

ROOT = Path(__file__).parents[1]
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
QUIET = {"LOG_LEVEL": "warn"}  # The original's default is several lines per connection, which costs it much.


@dataclass(frozen=True)
class Server:
    """A process to send a load to: the upstream itself, or a proxy with a link to each of the upstream's ports."""

    process: psutil.Process
    answering: int
    streaming: int

    def cpu_s(self) -> float:
        """Return the CPU time used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def running(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program from the repository's folder, and end it, on Linux also when this process is killed."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        preexec_fn=partial(die_with_parent, signal.SIGKILL, os.getpid()),
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def upstream() -> Iterator[Server]:
    """Run what answers."""
    with running([sys.executable, "-m", "benchmarks.toxiproxy_upstream"]) as process:
        said = process.stdout.readline() if process.stdout is not None else b""
        answering, streaming = map(int, said.split())
        yield Server(psutil.Process(process.pid), answering, streaming)


@contextlib.contextmanager
def proxy(command: Sequence[str | Path], behind: Server) -> Iterator[Server]:
    """Run a Toxiproxy with two links and no toxic."""
    port = _free_port()
    with running([*command, "-host", HOST, "-port", str(port)]) as process:
        _wait_until_listening(port)
        links = [_link(port, name, to) for name, to in (("a", behind.answering), ("s", behind.streaming))]
        yield Server(psutil.Process(process.pid), *links)


def pin(process: psutil.Process, cores: Sequence[int]) -> None:
    """Let a process with all its threads run on these cores only."""
    for thread in process.threads():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread.id, cores)


def usable_cores() -> list[int]:
    """Return the cores that this process may choose from; none where the system has no such choice."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def foreign_cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Return the CPU time that this machine has spent so far on anything but these processes."""
    machine = psutil.cpu_times()
    own_s = sum(times.user + times.system for times in (process.cpu_times() for process in processes))
    return float(machine.user + machine.nice + machine.system + getattr(machine, "softirq", 0.0) - own_s)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_listening(port: int) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
        else:
            return


def _link(api_port: int, name: str, to_port: int) -> int:
    """Make a proxy and return the port it listens on."""
    connection = http.client.HTTPConnection(HOST, api_port, timeout=START_TIMEOUT_S)
    body = {"name": name, "listen": f"{HOST}:0", "upstream": f"{HOST}:{to_port}"}
    try:
        connection.request("POST", "/proxies", json.dumps(body))
        return int(json.loads(connection.getresponse().read())["listen"].rpartition(":")[2])
    finally:
        connection.close()
