"""A proxy without toxics: bytes, ends and pressure pass; nothing passes where it is disabled."""

import asyncio

import pytest

from tests.toxiproxy.conformance.server_process import Api, free_port
from tests.toxiproxy.conformance.wires import Client, Recorder, Wires, echo, hold, sender_of

pytestmark = pytest.mark.wall_clock

MIB = 1024 * 1024


async def test_bytes_pass_unchanged_both_ways(api: Api) -> None:
    """Megabytes come back in order."""
    data = bytes(range(256)) * (8 * MIB // 256)
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        sending = asyncio.create_task(client.send(data))
        assert await client.receive(len(data)) == data
        await sending


async def test_many_connections_do_not_mix(api: Api) -> None:
    """Each of 50 connections gets its own bytes back."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        clients = [await wires.connect(port) for _ in range(50)]
        for number, client in enumerate(clients):
            await client.send(b"%04d" % number)
        assert [await client.receive(4) for client in clients] == [b"%04d" % number for number in range(50)]


async def test_first_bytes_may_come_before_the_upstream_is_there(api: Api) -> None:
    """A client that sends at once and ends its data loses none of it."""
    recorder = Recorder()
    async with Wires(api) as wires:
        client = await wires.client_of(recorder)
        client.writer.write(b"x" * MIB)
        client.writer.write_eof()
        assert len(await recorder.wait_end()) == MIB


async def test_end_of_upstream_reaches_the_client(api: Api) -> None:
    """A server that closes is seen to close, behind its data."""
    async with Wires(api) as wires:
        client = await wires.client_of(sender_of(b"x" * MIB))
        assert len(await client.receive_all()) == MIB


async def test_close_by_the_client_reaches_the_upstream(api: Api) -> None:
    """A client that goes away is seen to go."""
    recorder = Recorder()
    async with Wires(api) as wires:
        client = await wires.client_of(recorder)
        await client.send(b"bye")
        client.writer.close()
        assert await recorder.wait_end() == b"bye"


async def test_reset_by_the_client_ends_the_upstream(api: Api) -> None:
    """A client that resets its socket does not leave the upstream waiting."""
    recorder = Recorder()
    async with Wires(api) as wires:
        client = await wires.client_of(recorder)
        await client.send(b"bye")
        await asyncio.sleep(0.05)
        client.writer.transport.abort()
        assert await recorder.wait_end() == b"bye"


async def test_upstream_that_is_not_there_closes_the_client(api: Api) -> None:
    """A refused upstream connection is a closed client connection."""
    async with Wires(api) as wires:
        client = await wires.connect(wires.proxy(free_port()))
        assert await client.receive_all() == b""


@pytest.mark.parametrize("with_toxic", [False, True])
async def test_slow_reader_stops_the_sender(api: Api, *, with_toxic: bool) -> None:
    """The upstream of a client that does not read can only send what sockets and bounded queues hold."""
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(flood))
        if with_toxic:
            api.add_toxic("p", "noop")
        client = await wires.connect(port)
        client.pause()
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.4)
        assert sent < 32 * MIB
        client.resume()
        await client.receive(sent)


async def accepts(client: Client, data: bytes) -> bool:
    """Whether data can be sent soon."""
    client.writer.write(data)
    try:
        await asyncio.wait_for(client.writer.drain(), 0.4)
    except TimeoutError:
        return False
    return True


async def test_slow_upstream_stops_the_client(api: Api) -> None:
    """The same the other way round."""
    async with Wires(api) as wires:
        client = await wires.client_of(lambda _reader, _writer: asyncio.sleep(60))
        sent = 0
        while await accepts(client, b"x" * 65536):
            sent += 65536
        assert sent < 32 * MIB


async def test_disabling_drops_every_connection(api: Api) -> None:
    """Open connections end on both sides, new ones are refused, enabling lets them in again."""
    recorder = Recorder()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(recorder))
        client = await wires.connect(port)
        await client.send(b"hello")
        await asyncio.sleep(0.05)
        api.must("PATCH", "/proxies/p", {"enabled": False})
        assert await client.receive_all() == b""
        assert await recorder.wait_end() == b"hello"
        with pytest.raises(ConnectionRefusedError):
            await wires.connect(port)
        api.must("POST", "/reset")
        await (await wires.connect(port)).send(b"again")


@pytest.mark.parametrize("change", ["delete", "upstream"])
async def test_deleting_or_moving_drops_every_connection(api: Api, change: str) -> None:
    """A proxy that goes or gets another upstream takes its connections with it."""
    async with Wires(api) as wires:
        client = await wires.client_of(hold)
        await client.send(b"hello")
        await asyncio.sleep(0.05)
        if change == "delete":
            api.must("DELETE", "/proxies/p")
        else:
            api.must("PATCH", "/proxies/p", {"upstream": f"127.0.0.1:{await wires.serve(echo)}"})
        assert await client.receive_all() == b""
