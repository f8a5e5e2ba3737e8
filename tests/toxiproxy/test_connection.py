"""Mirrors connection.py, link.py and endpoint.py: nothing is left behind, whatever clients, servers and toxics do."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from rulezero.toxiproxy.go_json.values import JsonValue, Number, Pairs
from rulezero.toxiproxy.proxies import Proxies
from rulezero.toxiproxy.proxy import Proxy

pytestmark = pytest.mark.wall_clock

KINDS = ("latency", "slicer", "noop", "bandwidth", "slow_close", "limit_data", "timeout", "reset_peer")
BYTES = b"".join(b"%07d\n" % number for number in range(4000))


def toxic_of(kind: str, stream: str, number: int, toxicity: str = "1") -> JsonValue:
    """Return a request that sets every attribute to the number."""
    keys = ("latency", "rate", "delay", "timeout", "bytes", "average_size")
    attributes = Pairs([(key, Number(str(number))) for key in keys])
    return Pairs([("type", kind), ("stream", stream), ("toxicity", Number(toxicity)), ("attributes", attributes)])


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def proxied_echo(chance: random.Random) -> AsyncIterator[Proxy]:
    """Run an echo server behind a proxy, and check at the end that no connection and no task is left."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    upstream = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    proxies = Proxies(chance)
    proxy = await proxies.create(Pairs([("name", "p"), ("listen", "127.0.0.1:0"), ("upstream", upstream)]))
    try:
        yield proxy
    finally:
        proxies.stop()
        server.close()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if not proxy._connections and len(asyncio.all_tasks()) == 1:
            break
    assert not proxy._connections
    assert len(asyncio.all_tasks()) == 1


async def converse(proxy: Proxy, chance: random.Random) -> bytes:
    """Send, read for a while, and leave in one of three ways; return what came."""
    received = bytearray()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.listen.rpartition(":")[2]))
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(BYTES)
        if chance.random() < 0.5:
            writer.write_eof()
        async with asyncio.timeout(chance.uniform(0.05, 0.4)):
            while data := await reader.read(4096):
                received += data
    if chance.random() < 0.5:
        writer.transport.abort()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return bytes(received)


async def churn(proxy: Proxy, chance: random.Random, rounds: int) -> None:
    """Add, change and remove toxics at random."""
    for _ in range(rounds):
        await asyncio.sleep(0.005)
        toxics = proxy.toxics.all()
        if len(toxics) < 4:
            kind, stream = chance.choice(KINDS), chance.choice(("upstream", "downstream"))
            if f"{kind}_{stream}" not in [toxic.name for toxic in toxics]:
                proxy.toxics.add(toxic_of(kind, stream, chance.choice((1, 20, 5000)), chance.choice(("0.5", "1"))))
            continue
        toxic = chance.choice(toxics)
        if chance.random() < 0.5:
            proxy.toxics.remove(toxic)
        elif (
            toxic.behaviour.type_name != "timeout"
        ):  # Its share redrawn, it would let data pass behind data it dropped.
            proxy.toxics.update(toxic, toxic_of(toxic.behaviour.type_name, "", chance.choice((0, 5, 100_000)), "0.7"))


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_left_after_random_toxics_and_endings(seed: int) -> None:
    """Whatever arrives is the start of what was sent, and at the end every connection and task is gone."""
    chance = random.Random(seed)
    async with proxied_echo(chance) as proxy:
        churning = asyncio.create_task(churn(proxy, chance, 150))
        for _ in range(4):
            answers = await asyncio.gather(*(converse(proxy, chance) for _ in range(20)))
        await churning
        assert all(BYTES.startswith(answer) for answer in answers)


async def test_connections_end_by_themselves() -> None:
    """Without a stop, too, a connection is forgotten when both sides have closed."""
    async with proxied_echo(random.Random(1)) as proxy:
        proxy.toxics.add(toxic_of("latency", "upstream", 5))
        for _ in range(10):
            await converse(proxy, random.Random(2))
        for _ in range(100):
            await asyncio.sleep(0.02)
            if not proxy._connections:
                break
        assert not proxy._connections


async def test_stage_that_waits_for_room_finds_its_new_neighbour() -> None:
    """Adding a toxic behind one that is blocked by a slow reader neither hangs nor reorders the stream."""
    async with proxied_echo(random.Random(1)) as proxy:
        proxy.toxics.add(toxic_of("noop", "downstream", 0))
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.listen.rpartition(":")[2]), limit=4096)
        data = BYTES * 400
        writer.write(data)
        writer.write_eof()
        await asyncio.sleep(0.3)
        proxy.toxics.add(toxic_of("slow_close", "downstream", 1))
        await asyncio.sleep(0.1)
        proxy.toxics.remove(proxy.toxics.get("noop_downstream"))
        async with asyncio.timeout(20):
            assert await reader.readexactly(len(data)) == data
        writer.close()
        await writer.wait_closed()
