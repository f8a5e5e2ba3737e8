"""Mirrors rulezero/toxiproxy/toxics/slow_close.py."""

import asyncio

from rulezero.toxiproxy.toxics.slow_close import SlowClose
from tests.toxiproxy.toxics.rig import Rig


async def test_only_the_end_is_late() -> None:
    """Data passes at once."""
    rig = Rig(SlowClose(3000))
    await asyncio.sleep(1)
    rig.feed(b"a", end=True)
    await asyncio.sleep(10)
    assert rig.arrivals == [(1, b"a")]
    assert rig.ended_at_s == 4


async def test_restart_counts_the_delay_anew() -> None:
    """After an interruption the end is still to come."""
    rig = Rig(SlowClose(3000))
    rig.feed(end=True)
    await asyncio.sleep(2)
    rig.stage.interrupt()
    rig.stage.ensure_running()
    await asyncio.sleep(10)
    assert rig.ended_at_s == 5
