"""Mirrors rulezero/toxiproxy/toxics/timeout.py."""

import asyncio

from rulezero.toxiproxy.toxics.timeout import Timeout
from tests.toxiproxy.toxics.rig import Rig


async def test_closes_after_silence() -> None:
    """Data is dropped and starts the time anew."""
    rig = Rig(Timeout(1000))
    await asyncio.sleep(0.7)
    rig.feed(b"lost")
    await asyncio.sleep(5)
    assert (rig.data, rig.closed, rig.ended_at_s) == (b"", True, 1.7)


async def test_zero_and_less_wait_for_ever() -> None:
    """Only the end of the data passes."""
    for timeout in (0, -1):
        rig = Rig(Timeout(timeout))
        rig.feed(b"lost")
        await asyncio.sleep(86_400)
        assert rig.ended_at_s is None
        rig.feed(end=True)
        await asyncio.sleep(1)
        assert rig.ended_at_s is not None
        assert (rig.data, rig.closed) == (b"", False)


async def test_interruption_does_not_bring_back_what_was_dropped() -> None:
    """Dropped data is gone."""
    rig = Rig(Timeout(0))
    rig.feed(b"lost")
    await asyncio.sleep(1)
    rig.stage.interrupt()
    assert rig.arrivals == []
