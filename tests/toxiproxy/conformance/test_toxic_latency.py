"""latency: every piece of data is late, none is lost."""

import asyncio
import statistics

import pytest

from tests.toxiproxy.conformance.server_process import Api
from tests.toxiproxy.conformance.wires import Wires, echo, sender_of

pytestmark = pytest.mark.wall_clock

SLACK_S = 0.005


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_delays_its_stream(api: Api, stream: str) -> None:
    """A round trip takes the latency longer, whichever way it is on."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        before_s = await client.exchange_s()
        api.add_toxic("p", "latency", stream, latency=200)
        delayed_s = await client.exchange_s()
        assert before_s < 0.19
        assert 0.2 - SLACK_S < delayed_s < 2


async def test_both_streams_add_up(api: Api) -> None:
    """Two toxics delay a round trip twice."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        for stream in ("upstream", "downstream"):
            api.add_toxic("p", "latency", stream, latency=60)
        assert 0.12 - 2 * SLACK_S < await client.exchange_s() < 2


async def test_delay_counts_from_arrival(api: Api) -> None:
    """Pieces that arrive together are late together: bulk data is delayed once, not once per piece."""
    size = 4 * 1024 * 1024
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(sender_of(b"x" * size)))
        api.add_toxic("p", "latency", latency=100)
        client = await wires.connect(port)
        loop_time = asyncio.get_running_loop().time
        started_s = loop_time()
        assert len(await client.receive_all()) == size
        assert 0.1 - SLACK_S < loop_time() - started_s < 4


async def test_jitter_spreads_around_the_latency(api: Api) -> None:
    """With jitter the delays lie within latency plus or minus jitter, and they differ."""
    async with Wires(api) as wires:
        client = await wires.client_of(echo)
        api.add_toxic("p", "latency", latency=30, jitter=25)
        delays_s = [await client.exchange_s() for _ in range(25)]
        assert min(delays_s) >= 0.005 - SLACK_S
        assert max(delays_s) - min(delays_s) > 0.015
        assert 0.015 < statistics.median(delays_s) < 0.2


@pytest.mark.parametrize(("toxicity", "late"), [(0.0, 0), (1.0, 5)])
async def test_toxicity_is_a_share_of_connections(api: Api, toxicity: float, late: int) -> None:
    """No connection at 0, every one at 1."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        api.add_toxic("p", "latency", toxicity=toxicity, latency=250)
        delays_s = [await (await wires.connect(port)).exchange_s() for _ in range(5)]
        assert sum(delay_s > 0.25 - SLACK_S for delay_s in delays_s) == late


async def test_toxicity_between_hits_some(api: Api) -> None:
    """Of 40 connections at one half neither all nor none are late, and each keeps its lot."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        api.add_toxic("p", "latency", toxicity=0.5, latency=50)
        clients = [await wires.connect(port) for _ in range(40)]
        first = [await client.exchange_s() > 0.05 - SLACK_S for client in clients]
        again = [await client.exchange_s() > 0.05 - SLACK_S for client in clients]
        assert 6 < sum(first) < 34
        assert sum(one != other for one, other in zip(first, again, strict=True)) <= 8
