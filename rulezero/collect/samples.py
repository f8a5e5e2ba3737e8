"""Metric samples as lines of text, appended while the run lasts so that a crash loses nothing already written."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rulezero.errors import StorageProblem

HEADER = "t_s\tprocess\tname\tlabels\tvalue\n"


class SampleLog:
    """An append-only file of samples; flushed after each scrape.

    `latest` holds the newest value by process and labels of the metrics in `follow`, for whoever shows them live.
    """

    def __init__(self, path: Path, *, follow: Collection[str] = ()) -> None:
        self._path = path
        self._follow = frozenset(follow)
        self.latest: dict[str, dict[tuple[str, str], float]] = {name: {} for name in follow}
        self._file: TextIO = path.open("w", encoding="utf-8")
        self._file.write(HEADER)

    def exposition(self, t_s: float, process: str, text: str) -> None:
        """Append a scrape in Prometheus' text format."""
        lines = []
        for name, labels, value in split(text):
            lines.append(f"{t_s:.3f}\t{process}\t{name}\t{labels}\t{value}\n")
            if name in self._follow:
                self.latest[name][process, labels] = float(value)
        self._write("".join(lines))

    def sample(self, t_s: float, process: str, name: str, labels: str, value: float) -> None:
        """Append one sample; `labels` as in the text format, without braces."""
        self._write(f"{t_s:.3f}\t{process}\t{name}\t{labels}\t{value:.6g}\n")

    def flush(self) -> None:
        """Hand what is written to the operating system."""
        with self._explained():
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._explained():
            self._file.close()

    def _write(self, text: str) -> None:
        with self._explained():
            self._file.write(text)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageProblem(f"{self._path}: {error.strerror}; free some space or choose another --out") from None


def split(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, labels, value) of each sample line; labels stay text, because parsing each would cost too much."""
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        series, _, value = line.rpartition(" ")
        name, _, labels = series.partition("{")
        yield name, labels.removesuffix("}"), value
