"""A server in a process of its own, raw bytes to it, and what may come back: answers, never a traceback."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaigns.fuzz.target import ROOT, Unhandled
from rulezero.lab.ports import LOOPBACK, Ports

START_S_MAX = 30.0
ANSWER_S_MAX = 10.0
_STOP_S_MAX = 10.0
_SILENCE_S = 0.1
_RECEIVE_BYTES = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,9})\r\n", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    head: bytes
    body: bytes


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago."""
    ports = Ports()
    try:
        return [ports.reserve() for _ in range(count)]
    finally:
        ports.close()


class Server:
    """A module that serves on a port, and its log."""

    def __init__(self, words: Sequence[str], port: int, log: Path, environment: Mapping[str, str]) -> None:
        self.port = port
        self._log = log
        self._read = 0
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def until_it_answers(self, request: bytes) -> None:
        """Wait for a 200. Raises Unhandled."""
        until_s = time.monotonic() + START_S_MAX
        while time.monotonic() < until_s and self._process.poll() is None:
            with contextlib.suppress(OSError, Unhandled):
                if [one.status for one in ask(self.port, request, 1)] == [200]:
                    return
            time.sleep(_SILENCE_S)
        raise Unhandled(f"the server does not answer: {self._log.read_text(errors='replace')[-2000:]}")

    def check(self, request: bytes) -> None:
        """Look at what it has said since the last look, and that it still answers. Raises Unhandled."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            said = log.read()
        self._read += len(said)
        if b"Traceback" in said:
            raise Unhandled(f"a traceback in the log: {said.decode(errors='replace')[-3000:]}")
        if self._process.poll() is not None:
            raise Unhandled(f"the server ended with {self._process.returncode}")
        if [one.status for one in ask(self.port, request, 1)] != [200]:
            raise Unhandled("the server no longer answers a plain request")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def ask(port: int, data: bytes, count: int) -> list[Answer]:
    """Send bytes and return `count` answers, fewer when the server closes first. Raises Unhandled when it hangs."""
    with socket.create_connection((LOOPBACK, port), timeout=ANSWER_S_MAX) as connection:
        with contextlib.suppress(ConnectionError):  # It may refuse before it has heard all.
            connection.sendall(data)
        return _answers(connection, count)


def throw(port: int, data: bytes, *, reset: bool) -> list[Answer]:
    """Send bytes that ask for nothing whole; return what comes at once, then leave, rudely with `reset`."""
    with socket.create_connection((LOOPBACK, port), timeout=ANSWER_S_MAX) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        if reset:
            linger = (1).to_bytes(4, sys.byteorder) + (0).to_bytes(4, sys.byteorder)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return []
        connection.settimeout(_SILENCE_S)
        with contextlib.suppress(Unhandled):
            return _answers(connection, 1)
    return []


def _answers(connection: socket.socket, count: int) -> list[Answer]:
    answers: list[Answer] = []
    data, open_ = b"", True
    while len(answers) < count and open_:
        try:
            received = connection.recv(_RECEIVE_BYTES)
        except TimeoutError:
            raise Unhandled(f"no answer after {len(answers)} of {count}") from None
        except ConnectionError:
            received = b""
        open_ = received != b""
        data += received
        while len(answers) < count and (cut := _first(data, ended=not open_)) is not None:
            answer, data = cut
            answers.append(answer)
    return answers


def _first(data: bytes, *, ended: bool) -> tuple[Answer, bytes] | None:
    head, blank, rest = data.partition(b"\r\n\r\n")
    found = _STATUS.match(head)
    if not blank or found is None:
        return None
    status = int(found[1])
    told = _LENGTH.search(head + b"\r\n")
    length = int(told[1]) if told else 0 if status in (204, 304) or not ended else len(rest)
    if len(rest) < length and not ended:
        return None
    return Answer(status, head, rest[:length]), rest[length:]
