"""The server's flags: a config file, metrics, the version, and a clean end."""

import asyncio
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.toxiproxy.conformance.server_process import ROOT, Api, free_port, start, stop
from tests.toxiproxy.conformance.wires import Wires, echo

pytestmark = pytest.mark.wall_clock


@pytest.fixture
def metered(server_command: list[str], tmp_path: Path) -> Iterator[Api]:
    """A server with a config file and both kinds of metrics."""
    config = tmp_path / "proxies.json"
    config.write_text(json.dumps([{"name": "from-file", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}]))
    port = free_port()
    flags = ["-host", "127.0.0.1", "-config", str(config), "-seed=7", "-proxy-metrics", "--runtime-metrics=true"]
    process = start([*server_command, *flags], port)
    yield Api(port, server_command[0])
    assert stop(process) == 0


def sample_of(name: str, direction: str) -> str:
    labels = rf'direction="{direction}",listener="[^"]+",proxy="p",upstream="[^"]+"'
    return rf"toxiproxy_proxy_{name}_bytes_total{{{labels}}} 5(\.0)?\n"


async def metrics_of(api: Api) -> str:
    """Return the metrics once the connection is counted, which the original does when it is over."""
    text = ""
    for _ in range(50):
        text = api.call("GET", "/metrics").text
        if all(re.search(sample_of("sent", direction), text) for direction in ("upstream", "downstream")):
            break
        await asyncio.sleep(0.05)
    return text


async def test_config_and_metrics(metered: Api) -> None:
    """The proxies of the file are there, and the bytes of a connection are counted when it has ended."""
    assert list(metered.must("GET", "/proxies")) == ["from-file"]
    async with Wires(metered) as wires:
        client = await wires.client_of(echo)
        await client.exchange_s(b"12345")
        client.writer.write_eof()
        await client.receive_all()
    text = await metrics_of(metered)
    for name in ("received", "sent"):
        for direction in ("upstream", "downstream"):
            assert re.search(sample_of(name, direction), text), (name, direction, text)
    assert "process_cpu_seconds_total" in text


def test_version_flag(server_command: list[str]) -> None:
    """The version is printed and nothing is served."""
    result = subprocess.run(
        [*server_command, "-version"], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 0
    assert result.stdout.startswith("toxiproxy-server version ")


async def test_end_closes_every_socket(server_command: list[str]) -> None:
    """SIGTERM closes the API's port, the proxies' ports and the connections."""
    port = free_port()
    process = start(server_command, port)
    api = Api(port, server_command[0])
    async with Wires(api) as wires:
        listening = wires.proxy(await wires.serve(echo))
        client = await wires.connect(listening)
        await client.exchange_s()
        assert stop(process) == 0
        assert await client.receive_all() == b""
    for closed in (port, listening):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", closed), timeout=5)
