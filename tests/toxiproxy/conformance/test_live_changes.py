"""Toxics that come, change and go while connections are open."""

import asyncio
import contextlib

import pytest

from tests.toxiproxy.conformance.server_process import Api
from tests.toxiproxy.conformance.wires import Recorder, Wires, echo, sender_of

pytestmark = pytest.mark.wall_clock

LATENCY = "/proxies/p/toxics/latency_downstream"


async def test_add_update_remove_apply_at_once(api: Api) -> None:
    """One connection sees each change with its next data."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        assert await client.exchange_s() < 0.25
        api.add_toxic("p", "latency", latency=300)
        assert 0.29 < await client.exchange_s() < 2
        api.must("PATCH", LATENCY, {"attributes": {"latency": 600}})
        assert 0.59 < await client.exchange_s() < 3
        api.must("PATCH", LATENCY, {"toxicity": 0})
        assert await client.exchange_s() < 0.25
        api.must("PATCH", LATENCY, {"toxicity": 1})
        assert 0.59 < await client.exchange_s() < 3
        api.must("DELETE", LATENCY)
        assert await client.exchange_s() < 0.25


async def test_removed_latency_lets_go_of_what_it_holds(api: Api) -> None:
    """Data that waits in the toxic comes at once, complete and in order."""
    loop = asyncio.get_running_loop()
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "latency", latency=8_000)
        for number in range(20):
            await client.send(b"%02d" % number)
            await asyncio.sleep(0.005)
        assert await client.is_silent(0.2)
        started_s = loop.time()
        api.must("DELETE", LATENCY)
        assert await client.receive(40) == b"".join(b"%02d" % number for number in range(20))
        assert loop.time() - started_s < 2


async def test_removed_latency_lets_go_of_the_end(api: Api) -> None:
    """An end that waits behind data comes behind it."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"last words")))
        api.add_toxic("p", "latency", latency=8_000)
        client = await wires.connect(port)
        assert await client.is_silent(0.2)
        api.must("DELETE", LATENCY)
        assert await client.receive_all() == b"last words"


async def test_removed_slow_close_closes(api: Api) -> None:
    """An end that is held back comes when the toxic goes."""
    loop = asyncio.get_running_loop()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"data")))
        api.add_toxic("p", "slow_close", delay=8_000)
        client = await wires.connect(port)
        assert await client.receive(4) == b"data"
        assert await client.is_silent(0.2)
        started_s = loop.time()
        api.must("DELETE", "/proxies/p/toxics/slow_close_downstream")
        assert await client.receive_all() == b""
        assert loop.time() - started_s < 2


async def test_no_byte_is_lost_or_moved_while_toxics_change(api: Api) -> None:
    """A stream of numbers stays in order through 20 rounds of adding, changing and removing."""
    recorder = Recorder()
    numbers = b"".join(b"%07d\n" % number for number in range(100_000))
    async with Wires(api) as wires:
        client = await wires.client_of(recorder)

        async def send() -> None:
            for start in range(0, len(numbers), 4096):
                await client.send(numbers[start : start + 4096])
                await asyncio.sleep(0.001)
            client.writer.write_eof()

        sending = asyncio.create_task(send())
        for turn in range(20):
            api.add_toxic("p", "latency", "upstream", latency=1 + turn % 3, jitter=1)
            api.add_toxic("p", "slicer", "upstream", average_size=512, size_variation=100)
            await asyncio.sleep(0.005)
            api.must("PATCH", "/proxies/p/toxics/latency_upstream", {"attributes": {"latency": 3}})
            await asyncio.sleep(0.005)
            api.must("DELETE", "/proxies/p/toxics/latency_upstream")
            await asyncio.sleep(0.002)
            api.must("DELETE", "/proxies/p/toxics/slicer_upstream")
        await sending
        assert await recorder.wait_end() == numbers


async def test_chain_applies_every_toxic(api: Api) -> None:
    """Two toxics of one stream both take effect: a delay, then a rate."""
    loop = asyncio.get_running_loop()
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"x" * 40_000)))
        api.add_toxic("p", "latency", latency=150)
        api.add_toxic("p", "bandwidth", rate=200)
        client = await wires.connect(port)
        started_s = loop.time()
        assert len(await client.receive_all()) == 40_000
        assert 0.28 < loop.time() - started_s < 3


async def test_changed_limit_keeps_the_count(api: Api) -> None:
    """Raising a limit lets the difference pass."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "limit_data", bytes=10)
        await client.exchange_s(b"12345678")
        api.must("PATCH", "/proxies/p/toxics/limit_data_downstream", {"attributes": {"bytes": 12}})
        await client.send(b"abcdefgh")
        assert await client.receive_all() == b"abcd"


async def test_other_proxies_are_not_touched(api: Api) -> None:
    """A toxic belongs to its proxy."""
    async with Wires(api) as wires:
        upstream = await wires.serve(echo)
        hit = await wires.connect(wires.proxy(upstream, "hit"))
        spared = await wires.connect(wires.proxy(upstream, "spared"))
        api.add_toxic("hit", "latency", latency=300)
        assert await spared.exchange_s() < 0.25
        assert await hit.exchange_s() > 0.29


async def test_doomed_connection_lets_nothing_pass(api: Api) -> None:
    """Once reset_peer has seen data no more comes, even if the toxic is removed before its timeout."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "reset_peer", timeout=500)
        await client.send(b"lost")
        await asyncio.sleep(0.1)
        api.must("DELETE", "/proxies/p/toxics/reset_peer_downstream")
        with contextlib.suppress(ConnectionError):  # The original only answers the removal after the reset.
            await client.send(b"late")
        assert await client.receive_all() == b""
