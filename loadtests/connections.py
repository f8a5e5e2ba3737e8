"""Keep-alive connections to one host, and one HTTP/1.1 exchange over them.

geventhttpclient parses the answers; its own client is not used because it silently sends again when a connection
breaks, and a load generator that retries measures something else.
"""

from collections import deque
from socket import getaddrinfo
from typing import Any

from gevent import socket
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse

BROKEN = (OSError, HTTPParseError)
_IDLE_MAX = 10_000
_OPEN_S = 5.0


class Connections:
    """Last used, first taken. It has no limit of its own: the in-flight cap before it is the limit."""

    def __init__(self, host: str, port: int) -> None:
        # "localhost" may be two addresses of which only one is listened on.
        self._places = [(place[0], place[4]) for place in getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        self._idle: deque[socket.socket] = deque()

    def open(self, count: int) -> None:
        """Connect until `count` idle connections are there, so that no early request pays for it."""
        while len(self._idle) < min(count, _IDLE_MAX):
            self._idle.append(self._connect(_OPEN_S))

    def send(self, request: bytes, timeout_s: float) -> socket.socket:
        """Send one request; returns the connection that its answer comes on, for `receive`.

        Raises:
            TimeoutError: No connection could be made in the time.
            OSError: No connection could be made, or it broke.

        """
        connection = self._take(timeout_s)
        try:
            connection.sendall(request)
        except BaseException:
            connection.close()
            raise
        return connection

    def receive(self, connection: socket.socket) -> tuple[int, str | None, int]:
        """Read the whole answer: (status, `X-Outcome` header, body length).

        However it ends, a connection that is not clean is closed: the server sees that its caller left.

        Raises:
            OSError, HTTPParseError: see `BROKEN`.

        """
        clean = False
        try:
            response = HTTPSocketResponse(connection)
            length = len(response.read())
            clean = not response.should_close()
            told = response.get("x-outcome")
            return response.status_code, told if isinstance(told, str) else None, length
        finally:
            if clean and len(self._idle) < _IDLE_MAX:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close what is idle; what is in use closes when its exchange ends or is killed."""
        while self._idle:
            self._idle.pop().close()

    def _take(self, timeout_s: float) -> socket.socket:
        while self._idle:
            connection = self._idle.pop()
            if _is_silent(connection):
                return connection
            connection.close()
        return self._connect(timeout_s)

    def _connect(self, timeout_s: float) -> socket.socket:
        for place in self._places[:-1]:
            try:
                return _connected(*place, timeout_s)
            except OSError:
                continue
        return _connected(*self._places[-1], timeout_s)


def _connected(family: int, address: tuple[Any, ...], timeout_s: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(timeout_s)
        connection.connect(address)
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_silent(connection: socket.socket) -> bool:
    # An idle connection with something to read has been closed by the server. `select` cannot ask beyond 1,024 files.
    connection.settimeout(0.0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        connection.settimeout(None)
        return True
    except OSError:
        return False
    return False
