"""A lock that the system lets go of however its holder ends, and that tells who holds it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from rulezero.errors import UsageProblem


@contextlib.contextmanager
def locked(path: Path, taken: str) -> Iterator[None]:
    """Hold the lock, our process id in its file. Raises UsageProblem, which says `taken`, when another process does."""
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageProblem(taken) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(path: Path) -> int | None:
    """Return the process that holds the lock; None when nobody does."""
    try:
        with path.open(encoding="ascii") as file:
            try:
                # Shared, so that two who ask do not disturb each other.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read() or 0) or None
    except OSError:
        pass
    return None
