"""Mirrors rulezero/toxiproxy/toxics/latency.py."""

import asyncio
import random

from rulezero.toxiproxy.toxics.latency import Latency
from tests.toxiproxy.toxics.rig import Rig


def test_without_jitter_the_delay_is_the_latency() -> None:
    """Nothing is drawn."""
    assert Latency(250).delay_s(random.Random(1)) == 0.25


def test_negative_jitter_is_none() -> None:
    """A jitter below 0 has no meaning and no effect."""
    assert Latency(250, -5).delay_s(random.Random(1)) == 0.25


def test_jitter_is_uniform_and_half_open() -> None:
    """Delays cover latency minus jitter up to, not including, latency plus jitter."""
    chance = random.Random(2)
    drawn = {Latency(100, 3).delay_s(chance) for _ in range(500)}
    assert drawn == {0.097, 0.098, 0.099, 0.1, 0.101, 0.102}


async def test_delay_counts_from_arrival() -> None:
    """Pieces keep their distance."""
    rig = Rig(Latency(1000))
    rig.feed(b"a", b"b")
    await asyncio.sleep(0.3)
    rig.feed(b"c", end=True)
    await asyncio.sleep(5)
    assert rig.times_s == [1, 1, 1.3]
    assert rig.data == b"abc"


async def test_order_is_kept_under_jitter() -> None:
    """A piece never overtakes one that came before."""
    rig = Rig(Latency(100, 100), seed=5)
    for number in range(50):
        rig.feed(b"%02d" % number)
        await asyncio.sleep(0.002)
    await asyncio.sleep(1)
    assert rig.data == b"".join(b"%02d" % number for number in range(50))
    assert rig.times_s == sorted(rig.times_s)


async def test_interruption_lets_go_of_the_piece_in_hand() -> None:
    """The piece that waits passes at once, the ones behind it stay in the queue."""
    rig = Rig(Latency(60_000))
    rig.feed(b"a", b"b")
    await asyncio.sleep(2)
    rig.stage.interrupt()
    assert rig.arrivals == [(2, b"a")]
    assert [piece.data for piece in rig.stage.input.drain()] == [b"b"]
