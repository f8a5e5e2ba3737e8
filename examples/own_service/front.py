"""A front that asks one dependency for each answer, with so many workers and no more.

It is anybody's service: it does not import rulezero. PRICES is where it reaches the dependency, "host:port";
TIMEOUT_S is how long it waits for it: without, for ever. An answer without a price is still an answer.

    PRICES=127.0.0.1:18081 TIMEOUT_S=0.2 python front.py 18080
"""

import http.client
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORKERS = threading.BoundedSemaphore(16)
QUEUE_MAX = 256
HOST, PORT = os.environ.get("PRICES", "127.0.0.1:18081").split(":")
TIMEOUT_S = float(os.environ["TIMEOUT_S"]) if os.environ.get("TIMEOUT_S") else None


def ask_price(item: str) -> int | None:
    """Return the price of an item; None when the dependency does not say it in time."""
    connection = http.client.HTTPConnection(HOST, int(PORT), timeout=TIMEOUT_S)
    try:
        connection.request("GET", f"/prices/{item}")
        return int(json.loads(connection.getresponse().read())["cents"])
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Front(BaseHTTPRequestHandler):
    """GET /items/NUMBER, and /health."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body in one packet: apart, the second waits for 40 ms.

    def do_GET(self) -> None:
        """Answer one request, when a worker is free for it."""
        if self.path == "/health":
            self.answer({})
            return
        with WORKERS:
            item = self.path.rpartition("/")[2]
            self.answer({"item": item, "cents": ask_price(item)})

    def answer(self, value: dict[str, object]) -> None:
        """Send a value as JSON."""
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = QUEUE_MAX

    def handle_error(self, *_: object) -> None:
        """Say nothing of users who have left."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()
