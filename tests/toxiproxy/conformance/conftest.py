"""Every test of this folder runs against both servers; the original is skipped where it is not installed."""

import os
from collections.abc import Iterator

import pytest

from rulezero.toxiproxy.find import find_toxiproxy_server
from tests.toxiproxy.conformance.server_process import Api, embedded, free_port, start, stop

# Unlike RULEZERO_TOXIPROXY_SERVER it is for this suite alone: the lab's tests stay with the embedded server.
VARIABLE = "RULEZERO_TEST_TOXIPROXY_SERVER"


def program_of(kind: str) -> list[object]:
    """Return the command of a server, or skip."""
    if kind == "embedded":
        return list(embedded())
    found = os.environ.get(VARIABLE) or find_toxiproxy_server()
    if found is None:
        pytest.skip(f"no toxiproxy-server on PATH and {VARIABLE} is not set")
    return [found]


@pytest.fixture(scope="session", params=["embedded", "real"])
def server(request: pytest.FixtureRequest) -> Iterator[Api]:
    """One server for all tests."""
    port = free_port()
    process = start([str(part) for part in program_of(request.param)], port)
    yield Api(port, request.param)
    stop(process)


@pytest.fixture
def api(server: Api) -> Iterator[Api]:
    """The server without any proxy."""
    server.clear()
    yield server
    server.clear()


@pytest.fixture(params=["embedded", "real"])
def server_command(request: pytest.FixtureRequest) -> list[str]:
    """The command of a server, for tests that need flags of their own."""
    return [str(part) for part in program_of(request.param)]
