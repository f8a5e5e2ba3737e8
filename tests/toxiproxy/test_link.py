"""Mirrors rulezero/toxiproxy/link.py, on virtual time with sockets that only take notes."""

import asyncio
import random
from typing import cast

from rulezero.toxiproxy.endpoint import Endpoint
from rulezero.toxiproxy.link import Ending, Link
from rulezero.toxiproxy.toxic import Direction, Toxic
from rulezero.toxiproxy.toxics.behaviour import Behaviour
from rulezero.toxiproxy.toxics.latency import Latency
from rulezero.toxiproxy.toxics.limit_data import LimitData
from rulezero.toxiproxy.toxics.noop import Noop
from rulezero.toxiproxy.toxics.timeout import Timeout


class Notes(asyncio.Transport):
    """A transport that remembers what was asked of it; also the connection that owns the link."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.data = b""
        self.closing = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += data

    def write_eof(self) -> None:
        self.calls.append("half")

    def close(self) -> None:
        self.calls.append("close")
        self.closing = True

    def abort(self) -> None:
        self.calls.append("abort")
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def link_ended(self) -> None:
        self.calls.append("ended")

    def reset_after(self, delay_s: float) -> None:
        self.calls.append(f"reset {delay_s}")


class Bench:
    """A link between two noted sockets."""

    def __init__(self, *toxics: Toxic) -> None:
        self.owner, self.source_notes, self.destination_notes = Notes(), Notes(), Notes()
        self.source, self.destination = Endpoint(cast("object", self.owner)), Endpoint(cast("object", self.owner))  # type: ignore[arg-type]  # The link alone is under test.
        self.source.transport, self.destination.transport = self.source_notes, self.destination_notes
        self.link = Link(self.source, self.destination, self.owner, random.Random(1))
        self.link.start(toxics)

    @property
    def data(self) -> bytes:
        return self.destination_notes.data


def toxic_of(behaviour: Behaviour, toxicity: float = 1.0) -> Toxic:
    return Toxic(behaviour.type_name, "upstream", Direction.UPSTREAM, toxicity, behaviour)


async def test_without_toxics_the_source_writes_straight() -> None:
    """The event loop hands what the source receives to the destination's own method, and was told so."""
    bench = Bench(toxic_of(Noop(), toxicity=0))
    assert bench.source.data_received == bench.destination_notes.write
    assert bench.source_notes.protocol is bench.source
    bench.link.source_ended(Ending.HALF)
    assert bench.destination_notes.calls == ["half"]
    assert bench.owner.calls == ["ended"]


async def test_full_end_follows_a_half_one() -> None:
    """A source that first ends its data and then goes closes the destination."""
    bench = Bench()
    bench.link.source_ended(Ending.HALF)
    bench.link.source_ended(Ending.FULL)
    assert bench.destination_notes.calls == ["half", "close"]


async def test_chain_order_and_late_arrivals() -> None:
    """A toxic added behind a full queue acts on what has not yet passed."""
    bench = Bench(toxic_of(Latency(1000)))
    bench.source.data_received(b"abc")
    await asyncio.sleep(0.5)
    bench.link.add(toxic_of(Latency(3000)))
    await asyncio.sleep(2)
    assert bench.data == b""
    await asyncio.sleep(3)
    assert bench.data == b"abc"


async def test_removal_returns_to_the_straight_way_in_order() -> None:
    """What was held goes first, in one step."""
    toxic = toxic_of(Latency(60_000))
    bench = Bench(toxic)
    for part in (b"a", b"b", b"c"):
        bench.source.data_received(part)
        await asyncio.sleep(1)
    bench.link.remove(toxic)
    bench.source.data_received(b"d")
    assert bench.data == b"abcd"
    assert bench.source.data_received == bench.destination_notes.write


async def test_update_draws_again() -> None:
    """A connection may become affected, and cease to be."""
    toxic = toxic_of(Latency(1000), toxicity=0)
    bench = Bench(toxic)
    toxic.toxicity = 1.0
    bench.link.update(toxic)
    bench.source.data_received(b"a")
    await asyncio.sleep(0.5)
    assert bench.data == b""
    toxic.toxicity = 0.0
    bench.link.update(toxic)
    assert bench.data == b"a"
    bench.source.data_received(b"b")
    assert bench.data == b"ab"


async def test_limit_closes_behind_a_latency() -> None:
    """The close waits for data that is still on its way."""
    bench = Bench(toxic_of(LimitData(2)), toxic_of(Latency(1000)))
    bench.source.data_received(b"abc")
    await asyncio.sleep(0.5)
    assert bench.destination_notes.calls == []
    await asyncio.sleep(1)
    assert (bench.data, bench.destination_notes.calls) == (b"ab", ["close"])


async def test_removed_timeout_closes_even_where_it_was_not_active() -> None:
    """Removal ends the link for good."""
    toxic = toxic_of(Timeout(0), toxicity=0)
    bench = Bench(toxic)
    bench.link.remove(toxic)
    assert bench.destination_notes.calls == ["close"]
    assert bench.link.ended


async def test_full_chain_stops_the_source_and_lets_it_go_on() -> None:
    """Reading pauses while the destination is full and the queues are, and resumes behind them."""
    bench = Bench(toxic_of(Noop()))
    bench.destination.write_full = True
    for _ in range(4):
        bench.source.data_received(b"x")
        await asyncio.sleep(0.1)
    assert bench.source_notes.calls[-1] == "pause"
    bench.destination.write_full = False
    bench.link.destination_writable()
    await asyncio.sleep(0.1)
    assert bench.data == b"xxxx"
    assert bench.source_notes.calls[-1] == "resume"


async def test_blocked_stage_is_not_forgotten_when_a_neighbour_comes() -> None:
    """A stage that waits for the destination wakes up behind a new last stage."""
    bench = Bench(toxic_of(Noop()))
    bench.destination.write_full = True
    bench.source.data_received(b"a")
    await asyncio.sleep(0.1)
    bench.link.add(toxic_of(Latency(100)))
    bench.source.data_received(b"b")
    await asyncio.sleep(1)
    bench.destination.write_full = False
    bench.link.destination_writable()
    await asyncio.sleep(1)
    assert bench.data == b"ab"


async def test_abandoned_link_stops_its_tasks() -> None:
    """Nothing runs on when the destination is gone."""
    bench = Bench(toxic_of(Latency(60_000)), toxic_of(Noop()))
    bench.source.data_received(b"a")
    await asyncio.sleep(1)
    bench.link.abandon()
    await asyncio.sleep(1)
    assert len(asyncio.all_tasks()) == 1
    assert bench.data == b""
