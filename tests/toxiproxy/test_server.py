"""Mirrors rulezero/toxiproxy/server.py: the embedded server inside this process, and the command's exit status."""

import asyncio
import contextlib
import socket
import struct
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


HOSTILE = (
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
)


@pytest.mark.parametrize("data", HOSTILE)
async def test_what_is_no_request_is_no_news(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Answered or dropped, as the client leaves, without a traceback; the server lives on."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(host="127.0.0.1", port=0, ready=ready.set_result))
    api = Api(await asyncio.wait_for(ready, PATIENCE_S), "embedded")
    for _ in range(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(data)
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.05):
                await reader.read()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()
    assert (await asyncio.to_thread(api.call, "GET", "/version")).status == 200
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert caplog.records == []


async def test_a_body_is_read_as_it_came(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever its Content-Encoding says, as Go reads it."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(host="127.0.0.1", port=0, ready=ready.set_result))
    port = await asyncio.wait_for(ready, PATIENCE_S)
    body = b'{"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}'
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /proxies HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.close()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert caplog.records == []


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
