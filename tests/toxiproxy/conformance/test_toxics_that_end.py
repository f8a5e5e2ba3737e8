"""slow_close, timeout, limit_data and reset_peer: how connections end."""

import asyncio

import pytest

from tests.toxiproxy.conformance.server_process import Api
from tests.toxiproxy.conformance.wires import Client, Recorder, Wires, echo, hold, sender_of

pytestmark = pytest.mark.wall_clock


async def how_it_ends(client: Client) -> str:
    """Read to the end: `end` or `reset`."""
    try:
        while await asyncio.wait_for(client.reader.read(65536), 5):
            pass
    except ConnectionResetError:
        return "reset"
    return "end"


async def test_slow_close_holds_the_end_back(api: Api) -> None:
    """Data comes at once, the end after the delay."""
    loop = asyncio.get_running_loop()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"data")))
        api.add_toxic("p", "slow_close", delay=500)
        client = await wires.connect(port)
        started_s = loop.time()
        assert await client.receive(4) == b"data"
        assert loop.time() - started_s < 0.45
        assert await client.receive_all() == b""
        assert 0.45 < loop.time() - started_s < 3


async def test_slow_close_upstream(api: Api) -> None:
    """The upstream learns late that the client has gone."""
    loop = asyncio.get_running_loop()
    recorder = Recorder()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(recorder))
        api.add_toxic("p", "slow_close", "upstream", delay=200)
        client = await wires.connect(port)
        await client.send(b"data")
        client.writer.close()
        started_s = loop.time()
        assert await recorder.wait_end() == b"data"
        assert 0.15 < loop.time() - started_s < 3


async def test_timeout_lets_nothing_through_and_closes(api: Api) -> None:
    """After the timeout without data both sides are closed; data before it is lost."""
    loop = asyncio.get_running_loop()
    recorder = Recorder()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(recorder))
        api.add_toxic("p", "timeout", "upstream", timeout=150)
        client = await wires.connect(port)
        started_s = loop.time()
        await client.send(b"lost")
        assert await client.receive_all() == b""
        assert 0.12 < loop.time() - started_s < 3
        assert await recorder.wait_end() == b""


async def test_data_starts_the_timeout_anew(api: Api) -> None:
    """The timeout counts from the last data."""
    loop = asyncio.get_running_loop()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(hold))
        api.add_toxic("p", "timeout", "upstream", timeout=200)
        client = await wires.connect(port)
        started_s = loop.time()
        for _ in range(4):
            await client.send(b"x")
            await asyncio.sleep(0.1)
        assert await client.receive_all() == b""
        assert 0.45 < loop.time() - started_s < 3


async def test_timeout_zero_holds_until_removed(api: Api) -> None:
    """With 0 the connection hangs; removing the toxic closes it, with nothing of what was sent."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "timeout", timeout=0)
        await client.send(b"lost")
        assert await client.is_silent(0.3)
        api.must("DELETE", "/proxies/p/toxics/timeout_downstream")
        assert await client.receive_all() == b""


async def test_removing_a_timeout_closes_unaffected_connections_too(api: Api) -> None:
    """Removal closes whatever the toxicity was, and new connections work."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        api.add_toxic("p", "timeout", toxicity=0, timeout=0)
        client = await wires.connect(port)
        await client.exchange_s()
        api.must("POST", "/reset")
        assert await client.receive_all() == b""
        await (await wires.connect(port)).exchange_s()


@pytest.mark.parametrize(("limit", "passed"), [(0, 0), (100, 100), (50_000, 50_000), (300_000, 200_000)])
async def test_limit_data_closes_behind_the_limit(api: Api, limit: int, passed: int) -> None:
    """Exactly so many bytes come, then the end."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"x" * 200_000)))
        api.add_toxic("p", "limit_data", bytes=limit)
        client = await wires.connect(port)
        assert len(await client.receive_all()) == passed


async def test_limit_data_counts_per_connection(api: Api) -> None:
    """Each connection has the whole limit; the count goes over all its data."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        api.add_toxic("p", "limit_data", bytes=10)
        for _ in range(2):
            client = await wires.connect(port)
            await client.exchange_s(b"12345")
            await client.send(b"6789012345")
            assert await client.receive_all() == b"67890"


async def test_limit_data_upstream_closes_both_sides(api: Api) -> None:
    """The upstream gets the limit, and the client sees the end."""
    recorder = Recorder()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(recorder))
        api.add_toxic("p", "limit_data", "upstream", bytes=7)
        client = await wires.connect(port)
        await client.send(b"x" * 20)
        assert await recorder.wait_end() == b"x" * 7
        assert await client.receive_all() == b""


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("delay_ms", [0, 150])
async def test_reset_peer_resets_after_the_first_data(api: Api, stream: str, delay_ms: int) -> None:
    """The client sees an RST, at once or after the timeout, and no data of that stream."""
    loop = asyncio.get_running_loop()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        api.add_toxic("p", "reset_peer", stream, timeout=delay_ms)
        client = await wires.connect(port)
        assert await client.is_silent(0.1)
        started_s = loop.time()
        await client.send(b"ping")
        assert await how_it_ends(client) == "reset"
        assert delay_ms / 1000 - 0.01 < loop.time() - started_s < delay_ms / 1000 + 3


async def test_reset_peer_at_toxicity_zero_passes_data(api: Api) -> None:
    """Unaffected connections work."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        api.add_toxic("p", "reset_peer", toxicity=0, timeout=0)
        await (await wires.connect(port)).exchange_s()


async def test_reset_peer_on_an_open_connection_ends_it(api: Api) -> None:
    """A toxic that comes later ends connections at their next data."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        await client.exchange_s()
        api.add_toxic("p", "reset_peer", timeout=0)
        await client.send(b"ping")
        assert await client.receive_all() == b""
