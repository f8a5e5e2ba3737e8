"""Loopback ports that nobody else can take between choosing and listening.

On Linux a socket that is bound but never listens keeps its port from everyone who asks for any free port, while a
server that sets SO_REUSEADDR (all of the lab's do) may still listen there, and a dead server's port refuses
connections at once. Elsewhere the port is only free at the time of asking.
"""

import errno
import socket

from rulezero.errors import UsageProblem
from rulezero.lab.kernel import LINUX

LOOPBACK = "127.0.0.1"
BACKLOG = 1024


class Ports:
    """The ports of one lab; closing gives them back."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def reserve(self, wanted: int = 0) -> int:
        """Return a free port, or `wanted` if it is free. Raises UsageProblem when it is taken."""
        held = _bind(wanted)
        port: int = held.getsockname()[1]
        if LINUX:
            self._held.append(held)
        else:
            held.close()
        return port

    def close(self) -> None:
        """Give the ports back."""
        while self._held:
            self._held.pop().close()


def listen(port: int) -> socket.socket:
    """Return a listening socket on loopback."""
    listener = _bind(port)
    listener.listen(BACKLOG)
    return listener


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port now."""
    try:
        listen(port).close()
    except (OSError, UsageProblem):
        return False
    return True


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError as error:
        bound.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise UsageProblem(f"port {port} cannot be used ({error.strerror}); choose another one") from error
        raise
    return bound
