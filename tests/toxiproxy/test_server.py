"""Mirrors rulezero/toxiproxy/server.py: the embedded server inside this process, and the command's exit status."""

import asyncio
import socket
from pathlib import Path

import pytest

from rulezero.errors import EXIT_USAGE
from rulezero.toxiproxy.server import main, serve
from tests.toxiproxy.conformance.server_process import Api
from tests.toxiproxy.conformance.wires import PATIENCE_S, Wires, echo

pytestmark = pytest.mark.wall_clock


async def answer_after_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read to the end, then answer."""
    data = await reader.read()
    writer.write(b"got %d" % len(data))
    writer.close()


async def test_serves_until_cancelled_and_leaves_nothing_open() -> None:
    """The API and the proxies work inside a running loop; a cancellation closes ports, connections and tasks."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(host="127.0.0.1", port=0, ready=ready.set_result))
    api = Api(await asyncio.wait_for(ready, PATIENCE_S), "embedded")
    async with Wires(api) as wires:
        upstream = await wires.serve(echo)
        body = {"name": "p", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}"}
        listen = (await asyncio.to_thread(api.must, "POST", "/proxies", body))["listen"]
        await asyncio.to_thread(api.add_toxic, "p", "latency", latency=60_000)
        client = await wires.connect(int(listen.rpartition(":")[2]))
        await client.send(b"held")
        await asyncio.sleep(0.05)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert await client.receive_all() == b""
    await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", api.port), timeout=5)


@pytest.mark.parametrize("kind", [None, "latency", "slicer", "noop"])
async def test_answer_after_the_end_of_the_request_arrives(kind: str | None) -> None:
    """A half-close is passed on, with and without toxics, where the original would close both directions."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(host="127.0.0.1", port=0, ready=ready.set_result))
    api = Api(await asyncio.wait_for(ready, PATIENCE_S), "embedded")
    async with Wires(api) as wires:
        body = {"name": "p", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{await wires.serve(answer_after_end)}"}
        listen = (await asyncio.to_thread(api.must, "POST", "/proxies", body))["listen"]
        if kind is not None:
            for stream in ("upstream", "downstream"):
                await asyncio.to_thread(api.add_toxic, "p", kind, stream)
        client = await wires.connect(int(listen.rpartition(":")[2]))
        await client.send(b"x" * 100_000)
        client.writer.write_eof()
        assert await client.receive_all() == b"got 100000"
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_busy_port_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the address and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["-host", "127.0.0.1", "-port", str(port)]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert f"127.0.0.1:{port}: bind: address already in use" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        ("[", "unexpected EOF"),
        ("{}", "cannot unmarshal object"),
        ('[{"name":"a"}]', "missing required field: upstream at proxy 1"),
        ('[{"name":"a","upstream":"b:1","listen":"x"}]', "missing port in address"),
    ],
)
def test_config_that_cannot_be_used_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
) -> None:
    """The line names the file and the reason."""
    config = tmp_path / "proxies.json"
    if content is not None:
        config.write_text(content)
    assert main(["-port", "0", "-config", str(config)]) == EXIT_USAGE
    error = capsys.readouterr().err
    assert str(config) in error
    assert reason in error
    assert error.count("\n") == 1


def test_wrong_flag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says where to read on."""
    assert main(["-port", "many"]) == EXIT_USAGE
    assert capsys.readouterr().err.count("\n") == 1
