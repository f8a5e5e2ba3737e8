"""Mirrors rulezero/toxiproxy/toxics/limit_data.py."""

import asyncio

from rulezero.toxiproxy.toxics.limit_data import LimitData
from tests.toxiproxy.toxics.rig import Rig


async def test_closes_behind_the_limit() -> None:
    """The piece that reaches the limit is cut, and the connection closes."""
    rig = Rig(LimitData(5))
    rig.feed(b"abc", b"defg", b"h")
    await asyncio.sleep(1)
    assert rig.data == b"abcde"
    assert (rig.closed, rig.ended_at_s) == (True, 0)


async def test_limit_that_is_not_reached_only_passes_the_end() -> None:
    """A shorter stream ends by itself."""
    rig = Rig(LimitData(5))
    rig.feed(b"abcd", end=True)
    await asyncio.sleep(1)
    assert rig.data == b"abcd"
    assert (rig.closed, rig.ended_at_s) == (False, 0)


async def test_zero_closes_at_the_first_data_only() -> None:
    """Without data nothing happens."""
    rig = Rig(LimitData(0))
    await asyncio.sleep(1)
    assert rig.ended_at_s is None
    rig.feed(b"a")
    await asyncio.sleep(1)
    assert (rig.data, rig.closed) == (b"", True)


async def test_count_survives_an_interruption() -> None:
    """The limit is for the connection, not for the time since the last change."""
    rig = Rig(LimitData(5))
    rig.feed(b"abcd")
    await asyncio.sleep(1)
    rig.stage.interrupt()
    rig.stage.ensure_running()
    rig.feed(b"efgh")
    await asyncio.sleep(1)
    assert (rig.data, rig.closed) == (b"abcde", True)
