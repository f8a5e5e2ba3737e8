"""Live figures from the rows file while the generator still writes it."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rulezero.load.rows import Row, parse
from rulezero.outcome import Outcome

_READ_MAX_BYTES = 1 << 22
_RECENT_MAX = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What ended in one second: requests by outcome, those that were correct and in time, and their p99 if any."""

    outcomes: dict[Outcome, int]
    goodput_rps: float
    p99_ms: float | None


def last_second(rows: Iterable[Row], now_s: float) -> Live:
    """Return the figures of the rows that ended in the second before `now_s`.

    The generator gives up at the deadline, so what is ok is also in time. Users who wait for their answers are apart.
    """
    ended = [row for row in rows if now_s - 1 < row.ended_s <= now_s and row.kind != "closed"]
    counts = Counter(row.outcome for row in ended)
    good_ms = sorted(row.latency_ms for row in ended if row.outcome is Outcome.OK)
    p99_ms = good_ms[int(0.99 * (len(good_ms) - 1))] if good_ms else None
    return Live(outcomes=dict(counts), goodput_rps=float(counts[Outcome.OK]), p99_ms=p99_ms)


class LiveTail:
    """Follows a rows file; a last line still being written waits for the next look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._recent: deque[Row] = deque(maxlen=_RECENT_MAX)

    def read(self) -> list[Row]:
        """Return the rows that are complete and new since the last call; none while there is no file."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read(_READ_MAX_BYTES)
        except FileNotFoundError:
            return []
        complete = text[: text.rfind(b"\n") + 1]
        self._offset += len(complete)
        rows = [parse(line) for line in complete.decode(errors="replace").splitlines()]
        return [row for row in rows if row is not None]

    def last_second(self, now_s: float | None = None) -> Live:
        """Read on, then return the figures of the second before `now_s`, in seconds since the start of the load.

        Without `now_s`: the second before the last row's end.
        """
        self._recent.extend(self.read())
        if now_s is None:
            now_s = max((row.ended_s for row in self._recent), default=0.0)
        while self._recent and self._recent[0].ended_s <= now_s - 1:
            self._recent.popleft()
        return last_second(self._recent, now_s)
