"""Serves the generator's metrics from its own process, a few milliseconds of it a second."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry

from rulezero.telemetry import loadgen

LAST_LOOK_S = 1.5  # Prometheus asks once a second.
_CONNECTIONS_MAX = 8
_STOP_S = 0.1


def serve(host: str, port: int, refresh: Callable[[], None], *others: CollectorRegistry) -> WSGIServer | None:
    """Answer every request with the metrics; None, and a line in the log, when the port cannot be had.

    `refresh` is called before each answer; `others` are registries to tell besides the load's own.
    """

    def answer(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        refresh()
        start_response("200 OK", [("Content-Type", loadgen.CONTENT_TYPE)])
        for piece in loadgen.exposition(*others):
            yield piece
            gevent.sleep(0)  # What is due meanwhile goes first.

    server = WSGIServer((host, port), answer, spawn=_CONNECTIONS_MAX, log=None)
    try:
        server.start()
    except OSError as error:
        logging.getLogger(__name__).warning("no metrics on %s:%d: %s", host, port, error.strerror)
        return None
    return server


def stop(server: WSGIServer | None) -> None:
    """Stop serving."""
    if server is not None:
        server.stop(timeout=_STOP_S)
