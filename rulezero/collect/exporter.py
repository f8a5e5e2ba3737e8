"""The runner's own metrics, for a Prometheus to fetch while a run lasts: which faults are in place."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from rulezero.errors import UsageProblem
from rulezero.telemetry import faults


@contextmanager
def exporting(address: str) -> Iterator[None]:
    """Serve them at "host:port" from a thread, until the end; an empty address serves nothing.

    Raises:
        UsageProblem: Somebody else serves there.

    """
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host, faults.REGISTRY)
    except OSError as error:
        raise UsageProblem(f"{address}: {error.strerror}; end the other run first") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        faults.TOXIC_ACTIVE.clear()
