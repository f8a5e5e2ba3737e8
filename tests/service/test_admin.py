import asyncio
import http.client
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from rulezero.service import admin as admin_module
from rulezero.service.admin import describe, start_admin
from rulezero.telemetry import metrics
from rulezero.toggles.settings import NAMES
from tests.toggles.manual import ManualClock, store_on
from tests.toggles.test_override import MALFORMED


@dataclass
class Admin:
    """A running admin port."""

    port: int
    store: Any
    clock: ManualClock
    healthy: bool = False

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def put(self, value: object) -> tuple[int, Any]:
        status, body = self.ask("PUT", "/admin/defences", orjson.dumps(value))
        return status, orjson.loads(body)

    def raw(self, data: bytes) -> bytes:
        """Send bytes as they are and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(data)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer


@pytest.fixture(scope="module")
def running() -> Iterator[Admin]:
    store, clock = store_on()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Admin(port=listener.getsockname()[1], store=store, clock=clock)
        server = start_admin(listener, store=store, healthy=lambda: running.healthy)
        yield running
        server.shutdown()


@pytest.fixture
def admin(running: Admin) -> Admin:
    """The same port for all: ending it takes a moment."""
    running.store.clear_override()
    running.healthy = False
    return running


def test_metrics_are_prometheus_text(admin: Admin) -> None:
    """With the toggles in force among them."""
    status, body = admin.ask("GET", "/metrics")
    assert status == 200
    assert b'\ndefence_enabled{defence="timeout"} 0.0\n' in body


def test_a_prometheus_that_asks_for_them_gets_examples_of_traces(admin: Admin) -> None:
    """In the one format that has them; whoever asks for nothing special, as a record does, gets the plain one."""
    metrics.SERVER_DURATION.labels("GET", "/exemplary", "200").observe(0.1, {"trace_id": "ab" * 16})
    asked = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"}
    example = f'# {{trace_id="{"ab" * 16}"}} 0.1 '.encode()
    assert example in admin.ask("GET", "/metrics", headers=asked)[1]
    assert admin.ask("GET", "/metrics", headers=asked)[1].endswith(b"# EOF\n")
    assert example not in admin.ask("GET", "/metrics", headers={"Accept": "*/*"})[1]


def test_health_is_503_until_the_service_is_ready(admin: Admin) -> None:
    """So that nobody sends to one that still connects."""
    assert admin.ask("GET", "/health") == (503, b'{"ready":false}')
    admin.healthy = True
    assert admin.ask("GET", "/health") == (200, b'{"ready":true}')


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/admin", 404),
        ("PUT", "/metrics", 404),
        ("DELETE", "/health", 404),
        ("POST", "/admin/defences", 501),
        ("PATCH", "/admin/defences", 501),
    ],
)
def test_what_is_not_there_is_refused(admin: Admin, method: str, path: str, status: int) -> None:
    """A 404 says what is."""
    answered, body = admin.ask(method, path, b"{}" if method != "GET" else None)
    assert answered == status
    if status == 404:
        assert b"/admin/defences" in body


def test_an_override_is_put_shown_and_taken_away(admin: Admin) -> None:
    """GET tells what is in force and for how long."""
    status, before = admin.ask("GET", "/admin/defences")
    assert status == 200
    status, told = admin.put({"only": ["timeout"], "defences": {"timeout": {"timeout_s": 0.25}}, "expires_s": 60})
    assert status == 200
    assert told["override_left_s"] == 60
    assert {name for name, one in told["defences"].items() if one["enabled"]} == {"timeout"}
    assert told["defences"]["timeout"]["timeout_s"] == 0.25
    assert admin.store.current["timeout"].enabled
    admin.clock.now_s += 20
    assert orjson.loads(admin.ask("GET", "/admin/defences")[1])["override_left_s"] == 40
    status, body = admin.ask("DELETE", "/admin/defences")
    assert status == 200
    after = orjson.loads(body)
    assert after["defences"] == orjson.loads(before)["defences"]
    assert after["override_left_s"] is None
    assert after["generation"] == told["generation"] + 1


def test_what_get_shows_may_be_put_back(admin: Admin) -> None:
    """Every number of every defence, those for single dependencies too."""
    admin.put(
        {"preset": "all", "defences": {"timeout": {"dependency": {"payment": {"timeout_s": 0.1}}}}, "expires_s": 9}
    )
    shown = orjson.loads(orjson.dumps(describe(admin.store)["defences"]))
    assert set(shown) == set(NAMES)
    admin.store.clear_override()
    status, told = admin.put({"defences": shown, "expires_s": 60})
    assert (status, told["defences"]) == (200, shown)


@pytest.mark.parametrize("request_", [one for one in MALFORMED if "expires_s" in one])
def test_a_malformed_override_is_a_400_with_one_line(admin: Admin, request_: dict[str, Any]) -> None:
    """And changes nothing."""
    before = describe(admin.store)
    try:
        body = orjson.dumps(request_)
    except TypeError:  # An integer beyond 64 bits: JSON has it, orjson writes none.
        body = str(request_).replace("'", '"').encode()
    status, answer = admin.ask("PUT", "/admin/defences", body)
    assert status == 400
    assert len(orjson.loads(answer)["error"].splitlines()) == 1
    assert describe(admin.store) == before


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"\0", b'{"expires_s": NaN, "preset": "all"}', b"[" * 50_000],
)
def test_a_body_that_is_no_json_object_is_a_400_with_one_line(admin: Admin, body: bytes) -> None:
    """And changes nothing."""
    before = describe(admin.store)
    status, answer = admin.ask("PUT", "/admin/defences", body)
    assert status == 400
    assert len(orjson.loads(answer)["error"].splitlines()) == 1
    assert describe(admin.store) == before


@pytest.mark.parametrize("size", [100_001, 3_000_000])
def test_an_oversized_body_is_a_400(admin: Admin, size: int) -> None:
    """Which the client gets to read though it was not heard to the end."""
    valid = orjson.dumps({"preset": "all", "expires_s": 60})
    status, answer = admin.ask("PUT", "/admin/defences", valid + b" " * (size - len(valid)))
    assert status == 400
    assert b"1 to 100000 bytes" in answer
    assert not admin.store.current["timeout"].enabled


@pytest.mark.parametrize(
    "length", [b"", b"Content-Length: many\r\n", b"Content-Length: -1\r\n", b"Content-Length: 0\r\n"]
)
def test_a_body_of_unknown_length_is_a_400(admin: Admin, length: bytes) -> None:
    """Chunked ones too: a client that overrides defences knows what it says."""
    answer = admin.raw(b"PUT /admin/defences HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error":' in answer


def test_a_body_that_ends_early_is_a_400(admin: Admin) -> None:
    """The client said more than it sent and closed its side."""
    with socket.create_connection(("127.0.0.1", admin.port), timeout=5) as connection:
        connection.sendall(
            b"PUT /admin/defences HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n" + b'{"expires_s": 1,'
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_never_ends_holds_up_nobody_and_is_given_up(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do clients that connect and say nothing."""
    monkeypatch.setattr(admin_module._AdminHandler, "timeout", 0.5)
    silent = [socket.create_connection(("127.0.0.1", admin.port), timeout=5) for _ in range(20)]
    silent[0].sendall(b"PUT /admin/defences HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    started_s = time.monotonic()
    assert admin.ask("GET", "/health")[0] == 503
    assert time.monotonic() - started_s < 0.4
    for connection in silent:
        assert connection.recv(1) == b""
        connection.close()
    assert not admin.store.current["timeout"].enabled


def test_many_ask_at_a_time(admin: Admin) -> None:
    """Scrapes and overrides at once: each gets a whole answer."""
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(5):
            statuses.append(admin.ask("GET", "/metrics")[0])
            statuses.append(admin.put({"preset": "all", "expires_s": 60})[0])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80


@pytest.mark.wall_clock
async def test_it_answers_while_the_event_loop_is_blocked(admin: Admin) -> None:
    """A service that drowns is the one whose metrics are wanted."""
    answered_s: list[float] = []
    blocked = threading.Event()

    def ask() -> None:
        blocked.wait()
        for path in ("/metrics", "/health", "/admin/defences"):
            admin.ask("GET", path)
            answered_s.append(time.monotonic())

    asking = asyncio.create_task(asyncio.to_thread(ask))
    await asyncio.sleep(0.05)
    blocked.set()
    time.sleep(1.0)  # noqa: ASYNC251 - the loop is to be blocked.
    unblocked_s = time.monotonic()
    await asking
    assert len(answered_s) == 3
    assert answered_s[-1] < unblocked_s - 0.2


def test_a_client_that_hangs_up_leaves_no_traceback(admin: Admin, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither before its answer nor in the middle of its own request."""
    for data in (
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"PUT /admin/defences HTTP/1.1\r\nContent-Length: 9\r\n\r\n{",
        b"GE",
    ):
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", admin.port), timeout=5) as connection:
                connection.sendall(data)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert admin.ask("GET", "/admin/defences")[0] == 200
    time.sleep(0.1)
    assert capfd.readouterr().err == ""
