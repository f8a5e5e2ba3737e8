"""Mirrors rulezero/toxiproxy/toxics/noop.py."""

import asyncio

from rulezero.toxiproxy.toxics.noop import Noop
from tests.toxiproxy.toxics.rig import Rig


async def test_passes_at_once() -> None:
    """Pieces and the end pass without delay."""
    rig = Rig(Noop())
    rig.feed(b"a", b"b", end=True)
    await asyncio.sleep(1)
    assert rig.arrivals == [(0, b"a"), (0, b"b")]
    assert (rig.ended_at_s, rig.closed) == (0, False)


async def test_waits_for_room() -> None:
    """Nothing is put into a full output."""
    rig = Rig(Noop())
    rig.full = True
    rig.feed(b"a")
    await asyncio.sleep(2.5)
    assert rig.arrivals == []
    rig.full = False
    await asyncio.sleep(1)
    assert rig.times_s == [3]
