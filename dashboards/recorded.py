"""A Prometheus for samples that a run has left in a folder, for as long as somebody asks."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from dashboards.prometheus_api import NoAnswer

_READY_S = 30.0
_STOP_S = 10.0
_LOOK_S = 0.1


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Yield the URL of a Prometheus that shows a folder's samples and scrapes nothing.

    Raises:
        NoAnswer: There is no Prometheus on this machine, or it does not start.

    """
    program = shutil.which(os.environ.get("RULEZERO_PROMETHEUS") or "prometheus")
    if program is None:
        raise NoAnswer("prometheus is not on PATH; install it, or give the URL of one that runs")
    with tempfile.TemporaryDirectory() as home:
        port = _free_port()
        settings = Path(home) / "prometheus.yaml"
        settings.write_text("{}\n", encoding="utf-8")
        log = Path(home) / "log"
        command = [
            program, f"--config.file={settings}", f"--storage.tsdb.path={folder.absolute()}",
            f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y", "--log.level=warn",
        ]  # fmt: skip
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _until_ready(url, process, log)
            yield url
        finally:
            _end(process)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    session = requests.Session()
    session.trust_env = False
    last_s = time.monotonic() + _READY_S
    while time.monotonic() < last_s and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if session.get(f"{url}/-/ready", timeout=_LOOK_S * 10).ok:
                return
        time.sleep(_LOOK_S)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise NoAnswer(f"prometheus does not start: {said[-1] if said else 'it says nothing'}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_change_s(folder: Path) -> float:
    """Return when samples were last written, in seconds since the epoch. Raises NoAnswer: there are none."""
    times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()]
    if not times:
        raise NoAnswer(f"{folder} holds no samples; give a record's folder `prometheus`, or a URL")
    return max(times)
