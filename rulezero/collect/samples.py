"""Metric samples as lines of text, appended while the run lasts so that a crash loses nothing already written."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rulezero.errors import StorageProblem

HEADER = "t_s\tprocess\tname\tlabels\tvalue\n"


class SampleLog:
    """An append-only file of samples; flushed after each scrape."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO = path.open("w", encoding="utf-8")
        self._file.write(HEADER)
        self.scrapes = 0
        self.missed: dict[str, int] = {}

    def exposition(self, t_s: float, process: str, text: str) -> None:
        """Append a scrape in Prometheus' text format."""
        self._write(
            "".join(f"{t_s:.3f}\t{process}\t{name}\t{labels}\t{value}\n" for name, labels, value in split(text))
        )

    def sample(self, t_s: float, process: str, name: str, labels: str, value: float) -> None:
        """Append one sample; `labels` as in the text format, without braces."""
        self._write(f"{t_s:.3f}\t{process}\t{name}\t{labels}\t{value:.6g}\n")

    def flush(self) -> None:
        """Hand what is written to the operating system."""
        try:
            self._file.flush()
        except OSError as error:
            raise StorageProblem(f"{self._path}: {error.strerror}; free some space or choose another --out") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            raise StorageProblem(f"{self._path}: {error.strerror}; free some space or choose another --out") from None


def split(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, labels, value) of each sample line; labels stay text, because parsing each would cost too much."""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        series, _, value = line.rpartition(" ")
        name, _, labels = series.partition("{")
        yield name, labels.removesuffix("}"), value
