"""How a part ended, in words, and what it said last."""

import re
import signal
from dataclasses import dataclass
from pathlib import Path

TAIL_LINES = 20
_TAIL_BYTES = 16_384
_ERROR = re.compile(r"error|fatal|panic", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PartExit:
    """A part that ended though nobody asked: its name, how it ended, the last lines of its log."""

    name: str
    status: str
    log_tail: tuple[str, ...]


def describe_status(status: int) -> str:
    """Return in words how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def tail(log: Path) -> tuple[str, ...]:
    """Return the last lines of a log; none if it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            return tuple(file.read().decode(errors="replace").splitlines()[-TAIL_LINES:])
    except OSError:
        return ()


def last_words(log: Path) -> str:
    """Return the line of a log that says most: the last that speaks of an error, else the last."""
    said = [text.strip() for text in tail(log) if text.strip()]
    errors = [text for text in said if _ERROR.search(text)]
    return (errors or said or ["it said nothing"])[-1]
