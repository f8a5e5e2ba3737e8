"""A Prometheus that answers every question with what a test wants, over HTTP."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

Answer = Callable[[str, dict[str, str]], tuple[int, Any]]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Yield the URL of a server; `answer` gets the path and the form, and returns status and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._reply()

        def do_GET(self) -> None:
            self._reply()

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()} or {"body": body}
            status, told = answer(self.path, form)
            text = (told if isinstance(told, str) else json.dumps(told)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def success(result: list[dict[str, Any]]) -> tuple[int, Any]:
    """Return an answer with these series."""
    return 200, {"status": "success", "data": {"resultType": "matrix", "result": result}}
