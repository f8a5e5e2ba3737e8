"""This process's end of the two pipes to the process that started it; the other is `rulezero.load.generator`."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

import gevent
import gevent.os

from rulezero.errors import EXIT_INTERRUPTED

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_READ_BYTES = 256


def keep_standard_output() -> int:
    """Return a copy of standard output; what others print goes to the log, for nobody reads the pipe to its end."""
    copy = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    return copy


def say_ready(pipe: int) -> None:
    """Tell the parent that the load can begin."""
    os.write(pipe, b"ready\n")
    os.close(pipe)


def listen(begin: Callable[[float], None], last_wish: Callable[[], None]) -> NoReturn:
    """Pass on the start instant; when the pipe closes there is nobody left to work for, and the process ends."""
    gevent.os.make_nonblocking(_STDIN)
    text, begun = b"", False
    while part := gevent.os.nb_read(_STDIN, _READ_BYTES):
        text += part
        if not begun and text.endswith(b"\n"):
            begun = True
            begin(float(text))
    last_wish()
    leave("the process that started this one is gone", EXIT_INTERRUPTED)


def leave(line: str, status: int) -> NoReturn:
    """End the process at once, saying why in one line."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
    os._exit(status)


def give_up(greenlet: gevent.Greenlet) -> NoReturn:
    """End the process because a greenlet that it cannot do without has failed."""
    leave(f"{type(greenlet.exception).__name__}: {greenlet.exception}", 1)
