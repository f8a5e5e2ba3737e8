"""The admin port: /metrics, /health and /admin/defences.

It is served from a thread of its own, so that it answers while the service drowns.
"""

import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any

import msgspec
import orjson
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from rulezero.errors import UsageProblem
from rulezero.toggles.store import ToggleStore

_OPENMETRICS = "application/openmetrics-text"
_BODY_BYTES_MAX = 100_000
_UNREAD_BYTES_MAX = 10_000_000
_CHUNK_BYTES = 65_536
_TIMEOUT_S = 5
_POLL_S = 0.1  # How long `shutdown()` may take.


def start_admin(listener: socket, *, store: ToggleStore, healthy: Callable[[], bool]) -> ThreadingHTTPServer:
    """Serve on a listening socket from a daemon thread; call `shutdown()` on the result to end it."""

    class Handler(_AdminHandler):
        pass

    Handler.store, Handler.healthy = store, staticmethod(healthy)
    server = _Server(listener.getsockname()[:2], Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="admin", daemon=True).start()
    return server


def describe(store: ToggleStore) -> dict[str, Any]:
    """Return the defences in force as plain data."""
    return {
        "generation": store.generation,
        "override_left_s": store.override_left_s,
        "defences": {
            name: {
                "enabled": toggle.enabled,
                **msgspec.to_builtins(toggle.config),
                "dependency": {key: msgspec.to_builtins(one) for key, one in toggle.per_dependency.items()},
            }
            for name, toggle in store.current.items()
        },
    }


def _exposition(accept: str) -> tuple[bytes, str]:
    """Return the metrics and their type; examples of traces are in the format that Prometheus asks for alone."""
    if _OPENMETRICS in accept:
        text: bytes = openmetrics.generate_latest(REGISTRY)  # type: ignore[no-untyped-call]  # Untyped there.
        return text, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up is no news, and its traceback would hide what is.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _AdminHandler(BaseHTTPRequestHandler):
    store: ToggleStore
    healthy: Callable[[], bool]
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT_S
    _unread_bytes = 0

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._answer(HTTPStatus.OK, *_exposition(self.headers.get("Accept", "")))
        elif self.path == "/health":
            ready = self.healthy()
            self._json(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, {"ready": ready})
        elif self.path == "/admin/defences":
            self._json(HTTPStatus.OK, describe(self.store))
        else:
            self._json(HTTPStatus.NOT_FOUND, {"error": "there are: /metrics, /health, /admin/defences"})

    def do_PUT(self) -> None:
        if not self._for_defences():
            return
        try:
            self.store.override(self._body())
        except UsageProblem as problem:
            self._json(HTTPStatus.BAD_REQUEST, {"error": str(problem)})
            self._hear_out()
            return
        self._json(HTTPStatus.OK, describe(self.store))

    def do_DELETE(self) -> None:
        if self._for_defences():
            self.store.clear_override()
            self._json(HTTPStatus.OK, describe(self.store))

    def _for_defences(self) -> bool:
        if self.path == "/admin/defences":
            return True
        self._json(HTTPStatus.NOT_FOUND, {"error": "there is: /admin/defences"})
        return False

    def _body(self) -> dict[str, Any]:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            raise UsageProblem("Content-Length is missing; send a JSON object") from None
        if not 0 < length <= _BODY_BYTES_MAX:
            self._unread_bytes = length
            raise UsageProblem(f"the body must have 1 to {_BODY_BYTES_MAX} bytes")
        try:
            body = orjson.loads(self.rfile.read(length))
        except orjson.JSONDecodeError as error:
            raise UsageProblem(f"the body is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise UsageProblem('the body must be an object, as in: {"preset": "all", "expires_s": 60}')
        return body

    def _hear_out(self) -> None:
        """Take in what the client still sends, within bounds: closing on it could cost it the answer."""
        left = min(self._unread_bytes, _UNREAD_BYTES_MAX)
        while left > 0 and (chunk := self.rfile.read1(min(left, _CHUNK_BYTES))):
            left -= len(chunk)

    def _json(self, status: HTTPStatus, value: dict[str, Any]) -> None:
        self._answer(status, orjson.dumps(value), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's signature.
        """Say nothing: a scrape a second would fill the log."""
