"""The keeper: one small process, parent of every part of the lab, so that nothing of it outlives the runner.

It hears requests on a socket and tells exits. When the socket ends, because the runner closed it or died in any way,
the keeper ends every part, waits for them, removes the lab's directory and exits. One thread and no event loop, since
it forks the services from the modules it has preloaded (a fork server: they start faster and share their memory).

    python -m rulezero.lab.keeper DESCRIPTOR DIRECTORY ROOT
"""

import contextlib
import gc
import importlib
import os
import resource
import selectors
import signal
import socket
import sys
import threading
from pathlib import Path

import msgspec

from rulezero.lab import child, directory, identity, kernel
from rulezero.lab.ending import end_all, reap
from rulezero.lab.messages import Exited, Identify, Preload, Reply, Request, Signal, Start, line, requests

_RECEIVE_BYTES = 65536
_OPEN_FILES_MAX = 65536


class Keeper:
    """The state of the loop: the socket, and the living parts by process id."""

    def __init__(self, control: socket.socket, folder: Path) -> None:
        self._control = control
        self._folder = folder
        self._parts: dict[int, Start] = {}
        self._unfinished = b""
        self._ending = False
        self._wake, self._woken = socket.socketpair()

    def serve(self) -> None:
        """Answer until the runner is gone, then leave nothing behind."""
        self._catch_signals()
        directory.record_part(self._folder, os.getpid())
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._control, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while not self._ending:
                    for key, _ in selector.select():
                        self._react(key.fileobj is self._control)
        finally:
            end_all(self._parts)
            directory.remove(self._folder)

    def _react(self, control: bool) -> None:  # noqa: FBT001 - private, and the one caller reads well.
        if control:
            self._hear()
        else:
            self._woken.recv(_RECEIVE_BYTES)
            self._reap()

    def _hear(self) -> None:
        try:
            data = self._control.recv(_RECEIVE_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self._ending = True
            return
        *whole, self._unfinished = (self._unfinished + data).split(b"\n")
        for text in whole:
            self._tell(self._answer(requests.decode(text)))

    def _answer(self, request: Request) -> Reply:
        match request:
            case Start():
                return self._start(request)
            case Preload():
                return _preload(request.module)
            case Signal():
                return self._signal(request)
            case Identify():
                return Reply(identity=identity.choose_identity())

    def _start(self, start: Start) -> Reply:
        if not start.argv and not kernel.LINUX:
            start = msgspec.structs.replace(start, argv=child.as_program(start), folder=str(Path.cwd()))
        gc.freeze()
        parent = os.getpid()
        # A signal that arrives before the child has its own handlers must wait, or the parent's would swallow it.
        signal.pthread_sigmask(signal.SIG_BLOCK, child.HANDLED)
        try:
            pid = os.fork()
            if pid == 0:
                child.become(start, parent)
        except OSError as error:
            return Reply(error=f"{start.name} could not be started: {error.strerror}")
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, child.HANDLED)
        self._parts[pid] = start
        directory.record_part(self._folder, pid)
        return Reply(pid=pid)

    def _signal(self, request: Signal) -> Reply:
        for pid, start in self._parts.items():
            if start.name == request.name:
                os.kill(pid, request.number)  # Not reaped yet, so the number is still its own.
        return Reply()

    def _reap(self) -> None:
        for pid, status in reap():
            start = self._parts.pop(pid, None)
            if start is not None:
                self._tell(Exited(start.name, pid, status))

    def _tell(self, message: Reply | Exited) -> None:
        # A runner that has gone does not listen; the end of the socket says so right after.
        with contextlib.suppress(ConnectionError):
            self._control.sendall(line(message))

    def _catch_signals(self) -> None:
        self._woken.settimeout(0)
        self._wake.settimeout(0)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda _number, _frame: self._end())

    def _end(self) -> None:
        self._ending = True


def _preload(module: str) -> Reply:
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - any failure of somebody's module is told to the runner, and the lab ends in order.
        return Reply(error=f"{module} cannot be imported ({type(error).__name__}: {error}); correct it")
    if threading.active_count() > 1:
        return Reply(error=f"{module} starts a thread when imported, which a fork would lose; start it later")
    return Reply()


def main(descriptor: int, folder: Path, root: Path) -> None:
    """Serve the runner at the other end of the socket."""
    gc.disable()  # A collection would write to pages shared with the forks; nothing here makes cycles.
    sys.path.insert(0, str(root))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # They would change what PostgreSQL and its clients do.
    kernel.adopt_orphans()
    Keeper(socket.socket(fileno=descriptor), folder).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
