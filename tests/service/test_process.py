"""The whole process, started as a container starts it."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from rulezero.collect.spans import SpanReceiver
from rulezero.errors import UsageProblem
from rulezero.service.process import _factory, run_alone

ROOT = Path(__file__).parents[2]
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
READY_S = 15.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Toy:
    """The process and its two ports."""

    def __init__(self, cleanup: ExitStack, app: str = "create_app", **environment: str) -> None:
        self.port, self.admin_port = free_port(), free_port()
        arguments = [f"tests.service.toy:{app}", "--port", str(self.port), "--admin-port", str(self.admin_port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rulezero.service.process", *arguments],
            cwd=ROOT,
            env={**os.environ, "RULEZERO_SERVICE": "toy", "RULEZERO_LINKS": "{}", **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        cleanup.callback(self._end)

    def _end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def until_ready(self) -> None:
        """Wait until /health says so."""
        ends_s = time.monotonic() + READY_S
        while time.monotonic() < ends_s and self.process.poll() is None:
            with suppress(OSError):
                if self.ask(self.admin_port, "/health")[0] == 200:
                    return
            time.sleep(0.05)
        pytest.fail(f"not ready: {self._stderr()}")

    def _stderr(self) -> str:
        self.process.kill()
        return self.process.communicate()[1]

    def ended(self, within_s: float) -> tuple[int, str]:
        """Wait for the end and return status and log."""
        log = self.process.communicate(timeout=within_s)[1]
        return self.process.returncode, log


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_it_serves_and_ends_cleanly_on_sigterm(cleanup: ExitStack) -> None:
    """Even with a request that hangs; the admin port tells what was served, and both ports are free again."""
    toy = Toy(cleanup, RULEZERO_INSTANCE="toy-2")
    toy.until_ready()
    assert toy.ask(toy.port, "/name") == (200, b"toy-2")
    metrics = toy.ask(toy.admin_port, "/metrics")[1].decode()
    assert (
        'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200"'
        in metrics
    )
    hanging = http.client.HTTPConnection("127.0.0.1", toy.port, timeout=10)
    hanging.request("GET", "/hang")
    time.sleep(0.2)
    toy.process.send_signal(signal.SIGTERM)
    status, log = toy.ended(within_s=10)
    hanging.close()
    assert status == 0, log
    for port in (toy.port, toy.admin_port):
        socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.wall_clock
async def test_the_last_spans_are_sent_before_it_ends(tmp_path: Path) -> None:
    """Those of the last second are the ones that show why somebody stopped it."""
    with ExitStack() as cleanup:
        async with SpanReceiver() as receiver:
            receiver.begin_arm(tmp_path / "spans.jsonl", zero_s=0.0, now_s=0.0)
            toy = Toy(cleanup, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)
            await asyncio.to_thread(toy.until_ready)
            await asyncio.to_thread(toy.ask, toy.port, "/name", {"traceparent": SAMPLED})
            toy.process.send_signal(signal.SIGTERM)
            status, log = await asyncio.to_thread(toy.ended, 10)
            assert status == 0, log
            assert len((tmp_path / "spans.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_a_dependency_that_cannot_be_reached_ends_the_start_in_one_line(
    cleanup: ExitStack,
) -> None:
    """Named, and with the status for something that the machine lacks; until then it is not healthy."""
    toy = Toy(cleanup, "unreachable", RULEZERO_LINKS=f'{{"toy-primary": "127.0.0.1:{free_port()}"}}')
    status, log = toy.ended(within_s=READY_S + 10)
    assert status == 69, log
    assert len(log.splitlines()) == 1, log
    assert "toy-primary: no database at 127.0.0.1:" in log


def test_what_runs_beside_the_requests_runs_until_the_end(cleanup: ExitStack) -> None:
    """And is ended before the process is."""
    toy = Toy(cleanup, "busy")
    toy.until_ready()
    assert toy.ask(toy.port, "/name")[0] == 200
    toy.process.send_signal(signal.SIGTERM)
    status, log = toy.ended(within_s=10)
    assert status == 0, log
    assert [line for line in log.splitlines() if line.startswith("background")] == [
        "background begins", "background ends",
    ]  # fmt: skip


def test_a_background_that_fails_ends_the_service(cleanup: ExitStack) -> None:
    """One that still answers would pass for healthy."""
    toy = Toy(cleanup, "half_dead")
    status, log = toy.ended(within_s=READY_S + 5)
    assert status not in (0, None)
    assert "ZeroDivisionError: the other half" in log


@pytest.mark.parametrize("app", ["nowhere:create_app", "tests.service.toy:nothing", "tests.service.toy", ":x", ""])
def test_an_app_that_is_not_there_is_told_in_one_line(app: str) -> None:
    """With an example of a right one."""
    with pytest.raises(UsageProblem, match=r"is no app \(.*\); name one as in ") as caught:
        _factory(app)
    assert len(str(caught.value).splitlines()) == 1


def test_a_busy_port_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Which one, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert run_alone(["tests.service.toy:create_app", "--port", str(port)]) == 69
    (record,) = caplog.records
    assert f"127.0.0.1:{port} cannot be listened on" in record.message
    assert "choose another port" in record.message


def test_a_port_that_does_not_exist_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Not as a stack trace."""
    assert run_alone(["tests.service.toy:create_app", "--port", "99999"]) == 64
    assert "99999 is no port" in caplog.text


def test_a_missing_setting_is_wrong_use(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Status 64."""
    monkeypatch.delenv("RULEZERO_SERVICE", raising=False)
    ports = ["--port", str(free_port()), "--admin-port", str(free_port())]
    assert run_alone(["tests.service.toy:create_app", *ports]) == 64
    assert "RULEZERO_SERVICE is not set" in caplog.text
