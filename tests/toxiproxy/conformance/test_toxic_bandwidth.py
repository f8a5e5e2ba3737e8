"""bandwidth: data passes at a rate."""

import asyncio

import pytest

from tests.toxiproxy.conformance.server_process import Api
from tests.toxiproxy.conformance.wires import Recorder, Wires, echo, sender_of

pytestmark = pytest.mark.wall_clock


@pytest.mark.parametrize(("rate", "size"), [(100, 60_000), (2_000, 1_000_000)])
async def test_rate_of_a_download(api: Api, rate: int, size: int) -> None:
    """Data takes size over rate (a KB is 1000 bytes), below and above the 100 ms part."""
    expected_s = size / (rate * 1000)
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"x" * size)))
        api.add_toxic("p", "bandwidth", rate=rate)
        client = await wires.connect(port)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        assert len(await client.receive_all()) == size
        assert 0.75 * expected_s < loop.time() - started_s < 3 * expected_s + 0.5


async def test_rate_of_an_upload(api: Api) -> None:
    """The other direction has its own limit."""
    recorder = Recorder()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(recorder))
        api.add_toxic("p", "bandwidth", "upstream", rate=500)
        client = await wires.connect(port)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await client.send(b"x" * 250_000)
        client.writer.write_eof()
        assert len(await recorder.wait_end()) == 250_000
        assert 0.35 < loop.time() - started_s < 2.5


async def test_slow_rate_is_steady(api: Api) -> None:
    """Large data comes in parts of 100 ms, not all at the end."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"x" * 30_000)))
        api.add_toxic("p", "bandwidth", rate=50)
        client = await wires.connect(port)
        arrivals = 0
        while await client.reader.read(65536):
            arrivals += 1
        assert 3 <= arrivals <= 12


async def test_zero_lets_nothing_through(api: Api) -> None:
    """A rate of 0 is a stall, and raising it, or taking the toxic away, lets data go.

    The original is not asked to raise it: it cuts the waiting data by the new rate while it still holds the old
    check's length, and when the timing is right the whole server ends with a slice out of range.
    """
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "bandwidth", rate=0)
        await client.send(b"x")
        assert await client.is_silent(0.3)
        if api.kind == "embedded":
            api.must("PATCH", "/proxies/p/toxics/bandwidth_downstream", {"attributes": {"rate": 1000}})
        else:
            api.must("DELETE", "/proxies/p/toxics/bandwidth_downstream")
        assert await client.receive(1) == b"x"


async def test_limits_what_the_sender_can_push(api: Api) -> None:
    """The rate presses back: a sender gets rid of little more than what has passed and what sockets hold."""
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(flood))
        api.add_toxic("p", "bandwidth", rate=10)
        client = await wires.connect(port)
        await asyncio.sleep(0.8)
        assert sent < 32 * 1024 * 1024
        assert len(await client.receive(1000)) == 1000
