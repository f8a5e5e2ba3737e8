"""The dependency: says the price of an item, 5 ms after it was asked.

python prices.py 18081
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORK_S = 0.005


class Prices(BaseHTTPRequestHandler):
    """GET /prices/NUMBER."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body in one packet: apart, the second waits for 40 ms.

    def do_GET(self) -> None:
        """Answer one request."""
        time.sleep(WORK_S)
        body = json.dumps({"cents": 100 * len(self.path)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Say nothing of callers who have left."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Prices).serve_forever()
