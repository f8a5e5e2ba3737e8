"""A service small enough to start in no time: it answers with its environment, or dies, as its `app` says."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import socket
from threading import Thread


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({**os.environ, "pid": os.getpid(), "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's signature.
        """Say nothing."""


def main(*, app: str, listen_fd: int, admin_fd: int) -> None:
    """Serve, unless `app` ends in "dies"."""
    print(f"toy {os.environ['RULEZERO_INSTANCE']} starts")  # noqa: T201 - goes to the part's log.
    if app.endswith("dies"):
        sys.exit("no capacity left for toys")
    Thread(target=_serve, args=(listen_fd,), daemon=True).start()
    _serve(admin_fd)


def _serve(descriptor: int) -> None:
    listener = socket(fileno=descriptor)
    server = HTTPServer(listener.getsockname(), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()


def report(*, file: str, first_fd: int) -> int:
    """Write down where the socket listens and return an exit status of its own."""
    with socket(fileno=first_fd) as listener, open(file, "w", encoding="ascii") as out:  # noqa: PTH123 - shortest.
        out.write(str(listener.getsockname()[1]))
    return 7
