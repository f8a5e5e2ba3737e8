"""Mirrors rulezero/toxiproxy/toxics/reset_peer.py."""

import asyncio

import pytest

from rulezero.toxiproxy.toxics.reset_peer import ResetPeer
from tests.toxiproxy.toxics.rig import Rig


@pytest.mark.parametrize("end", [False, True])
async def test_asks_for_one_reset_at_the_first_sign(*, end: bool) -> None:
    """Data or the end dooms the connection; nothing passes."""
    rig = Rig(ResetPeer(1500))
    await asyncio.sleep(1)
    assert rig.resets_s == []
    rig.feed(*([] if end else [b"a", b"b"]), end=end)
    await asyncio.sleep(10)
    assert rig.resets_s == [1.5]
    assert (rig.data, rig.ended_at_s) == (b"", None)
    rig.stage.stop()
