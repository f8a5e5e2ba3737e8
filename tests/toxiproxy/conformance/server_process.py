"""Start and stop the server under test: the embedded one, or the original where this machine has it."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    content_type: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Api:
    """A plain HTTP client for one server."""

    def __init__(self, port: int, kind: str) -> None:
        self.port = port
        self.kind = kind

    def call(self, method: str, path: str, body: object = None, agent: str = "conformance") -> Answer:
        """Send a request; a string or bytes goes out as it is, anything else as JSON."""
        payload = body if isinstance(body, str | bytes | None) else json.dumps(body)
        if isinstance(payload, str):
            payload = payload.encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, payload, {"User-Agent": agent})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), response.headers.get("Content-Type", ""))
        finally:
            connection.close()

    def must(self, method: str, path: str, body: object = None) -> Any:
        """Send a request that has to succeed; return its JSON."""
        answer = self.call(method, path, body)
        assert answer.status < 300, (method, path, body, answer)
        return answer.json if answer.text else None

    def add_toxic(
        self, proxy: str, kind: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int
    ) -> None:
        """Add a toxic under its default name."""
        toxic = {"type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        self.must("POST", f"/proxies/{proxy}/toxics", toxic)

    def clear(self) -> None:
        """Delete every proxy."""
        for name in self.must("GET", "/proxies"):
            self.must("DELETE", f"/proxies/{name}")


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(program: Sequence[str | Path], port: int) -> "subprocess.Popen[bytes]":
    """Start a server and wait until its API answers."""
    process = subprocess.Popen(
        [*program, "-port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            raise RuntimeError(f"{program} ended with {process.returncode}")
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return process
    stop(process)
    raise RuntimeError(f"{program} does not answer")


def stop(process: "subprocess.Popen[bytes]") -> int:
    """End a server; return its exit status."""
    process.terminate()
    try:
        return process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def embedded() -> list[str | Path]:
    """Return the command of the embedded server."""
    return [sys.executable, "-m", "rulezero.toxiproxy"]
