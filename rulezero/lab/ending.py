"""How the keeper ends its children and waits for them: no event loop, since it must be able to fork."""

import contextlib
import os
import signal
import time

from rulezero.lab import directory
from rulezero.lab.messages import Start

GRACE_S = 1.0
_POLL_S = 0.005


def reap() -> list[tuple[int, int]]:
    """Return process id and status of every child that has ended, adopted ones included."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append((found[0], os.waitstatus_to_exitcode(found[1])))
    return ended


def end_all(parts: dict[int, Start]) -> None:
    """End every child and wait for it: first as it likes best, after `GRACE_S` by force."""
    for pid, start in parts.items():
        number = start.death_signal if start.death_signal != signal.SIGKILL else signal.SIGTERM
        _send(pid, number)
        _send(pid, signal.SIGCONT)  # A paused part would not hear the first signal.
    deadline_s = time.monotonic() + GRACE_S
    while _children_left():
        if time.monotonic() > deadline_s:
            for pid in {*directory.children(os.getpid()), *parts}:
                _send(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def _children_left() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
