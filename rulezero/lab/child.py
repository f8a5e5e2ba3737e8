"""What happens between the fork of a part and its own code; also a program, where forking is not safe.

Forking a preloaded parent starts a service faster than spawning and shares its memory. It is safe on Linux
only: macOS frameworks break in a forked child. There the keeper runs `python -m rulezero.lab.child REQUEST` instead.
"""

import gc
import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import msgspec

from rulezero.lab import identity, kernel, ports
from rulezero.lab.messages import Start

FAILED = 70  # EX_SOFTWARE of sysexits.h: the part never got to its own code, or its function raised.
HANDLED = (signal.SIGCHLD, signal.SIGTERM)  # What the keeper handles, and its children must not.
_FIRST_OTHER_DESCRIPTOR = 3
_LAST_DESCRIPTOR = 65536


def become(start: Start, parent: int) -> NoReturn:
    """Turn a fresh fork into the part. Never returns, and runs no exit handlers: they are the parent's."""
    status = FAILED
    try:
        _leave_parent(start)
        identity.assume(start.identity)
        kernel.die_with_parent(start.death_signal, parent)
        if start.argv:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execvpe(start.argv[0], start.argv, os.environ)  # noqa: S606 - no shell is wanted.
        status = call(start)
    except SystemExit as leaving:
        status = _status(leaving)
    except OSError as error:
        _say(f"{start.name}: {error}")
    except BaseException:  # noqa: BLE001 - whatever it is, it belongs in the part's log and must not reach the parent's code.
        _say(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(status)


def call(start: Start) -> int:
    """Call the target function with its arguments and its listening sockets; return its exit status, by default 0."""
    gc.enable()
    module, _, function = start.target.partition(":")
    listening = {keyword: ports.listen(port).detach() for keyword, port in start.ports.items()}
    returned = getattr(importlib.import_module(module), function)(**start.arguments, **listening)
    return returned if isinstance(returned, int) else 0


def as_program(start: Start) -> list[str]:
    """Return the command line that does without a fork what `call` does after one."""
    return [sys.executable, "-m", "rulezero.lab.child", msgspec.json.encode(start).decode()]


def _status(leaving: SystemExit) -> int:
    """Return what the interpreter would exit with; anything that is no number is said."""
    if isinstance(leaving.code, int):
        return leaving.code
    if leaving.code is not None:
        _say(str(leaving.code))
    return int(leaving.code is not None)


def _leave_parent(start: Start) -> None:
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    log = os.open(start.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(_FIRST_OTHER_DESCRIPTOR, _LAST_DESCRIPTOR)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - lives as long as the process.
    os.environ.update(start.environment)
    os.chdir(start.folder)


def _say(text: str) -> None:
    os.write(2, (text.rstrip() + "\n").encode())


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(call(msgspec.json.decode(sys.argv[1], type=Start)))
