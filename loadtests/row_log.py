"""Append-only text files that lose at most a quarter of a second to a crash."""

import os
import sys
from pathlib import Path

import gevent

from rulezero.errors import EXIT_IO

_FLUSH_S = 0.2


class RowLog:
    """Lines are collected and written by one system call every 0.2 s; a full disk ends the process."""

    def __init__(self, path: Path, header: str) -> None:
        self._path = path
        self._lines = [header]
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        except OSError as error:
            self._give_up(error)
        self.flush()
        self._flusher = gevent.spawn(self._keep_flushing)

    def add(self, line: str) -> None:
        """Take one line, with its line feed."""
        self._lines.append(line)

    def flush(self) -> None:
        """Write what is there."""
        text, self._lines = "".join(self._lines).encode(), []
        try:
            while text:
                text = text[os.write(self._file, text) :]
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Write the rest and close."""
        self._flusher.kill()
        self.flush()
        os.close(self._file)

    def _keep_flushing(self) -> None:
        while True:
            gevent.sleep(_FLUSH_S)
            self.flush()

    def _give_up(self, error: OSError) -> None:
        sys.stderr.write(f"{self._path}: {error.strerror}; make space or choose another folder\n")
        sys.stderr.flush()
        os._exit(EXIT_IO)
