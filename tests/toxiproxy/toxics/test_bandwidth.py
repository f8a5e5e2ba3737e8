"""Mirrors rulezero/toxiproxy/toxics/bandwidth.py."""

import asyncio

import pytest

from rulezero.toxiproxy.toxics.bandwidth import Bandwidth
from tests.toxiproxy.toxics.rig import Rig


async def test_small_pieces_wait_their_share() -> None:
    """At 1 KB/s each 50 bytes take 50 ms."""
    rig = Rig(Bandwidth(1))
    rig.feed(b"x" * 50, b"y" * 50)
    await asyncio.sleep(1)
    assert rig.times_s == [0.05, 0.1]


async def test_large_piece_comes_in_parts_of_100_ms() -> None:
    """At 1 KB/s 350 bytes come as 100, 100, 100 and 50."""
    rig = Rig(Bandwidth(1))
    rig.feed(bytes(range(250)) + bytes(100), end=True)
    await asyncio.sleep(1)
    assert rig.times_s == [0.1, 0.2, 0.3, 0.35]
    assert [len(data) for _, data in rig.arrivals] == [100, 100, 100, 50]
    assert rig.data == bytes(range(250)) + bytes(100)
    assert rig.ended_at_s == 0.35


@pytest.mark.parametrize("rate", [0, -1, -(2**63)])
async def test_no_rate_is_a_stall(rate: int) -> None:
    """Nothing passes in a day; an interruption lets the piece go."""
    rig = Rig(Bandwidth(rate))
    rig.feed(b"x")
    await asyncio.sleep(86_400)
    assert rig.arrivals == []
    rig.stage.interrupt()
    assert rig.data == b"x"


async def test_interruption_passes_what_is_left_of_a_piece() -> None:
    """No byte is lost or sent twice."""
    rig = Rig(Bandwidth(1))
    data = bytes(range(200)) + bytes(range(200))
    rig.feed(data)
    await asyncio.sleep(0.25)
    rig.stage.interrupt()
    assert [len(part) for _, part in rig.arrivals] == [100, 100, 200]
    assert rig.data == data
