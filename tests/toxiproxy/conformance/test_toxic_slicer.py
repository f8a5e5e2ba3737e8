"""slicer and noop: the same bytes, in slices or as they came."""

import asyncio

import pytest

from tests.toxiproxy.conformance.server_process import Api
from tests.toxiproxy.conformance.wires import PATIENCE_S, Wires, echo, sender_of

pytestmark = pytest.mark.wall_clock


async def test_slices_arrive_apart(api: Api) -> None:
    """With a delay behind each slice a reader gets about size over average reads, all bytes in order."""
    data = bytes(range(250)) * 8
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(data)))
        api.add_toxic("p", "slicer", average_size=100, size_variation=20, delay=8_000)
        client = await wires.connect(port)
        reads = []
        while part := await asyncio.wait_for(client.reader.read(65536), PATIENCE_S):
            reads.append(part)
        assert b"".join(reads) == data
        assert 8 <= len(reads) <= 40
        assert all(len(part) <= 1000 for part in reads)


async def test_delay_is_per_slice(api: Api) -> None:
    """Delays add up: 32 slices with 3 ms behind each."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "slicer", average_size=32, size_variation=0, delay=3_000)
        assert 32 * 0.003 * 0.8 < await client.exchange_s(b"x" * 1024) < 3


async def test_upstream(api: Api) -> None:
    """The request can be sliced too."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "slicer", "upstream", average_size=10, size_variation=5, delay=1_000)
        assert await client.exchange_s(bytes(range(200))) > 0.008


async def test_large_slices_change_nothing(api: Api) -> None:
    """Data smaller than a slice passes at once, but the delay comes behind it."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "slicer", average_size=1000, delay=300_000)
        assert await client.exchange_s() < 0.28
        assert await client.exchange_s() > 0.15


async def test_noop_changes_nothing(api: Api) -> None:
    """Bytes pass through a noop."""
    data = bytes(range(256)) * 4096
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        for stream in ("upstream", "downstream"):
            api.add_toxic("p", "noop", stream)
        sending = asyncio.create_task(client.send(data))
        assert await client.receive(len(data)) == data
        await sending
