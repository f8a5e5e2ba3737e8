"""Mirrors rulezero/toxiproxy/channel.py."""

import asyncio

from rulezero.toxiproxy.channel import Channel, Piece


async def test_hands_out_in_order_then_the_end() -> None:
    """None comes each time behind the last piece."""
    channel = Channel()
    channel.put(Piece(b"a", 0))
    channel.end()
    piece = await channel.get()
    assert piece is not None
    assert piece.data == b"a"
    assert await channel.get() is None
    assert await channel.get() is None


async def test_get_waits() -> None:
    """A consumer is woken by a piece."""
    channel = Channel()
    getting = asyncio.create_task(channel.get())
    await asyncio.sleep(5)
    assert not getting.done()
    channel.put(Piece(b"a", 0))
    assert await getting is not None


async def test_room_is_told_once_when_the_queue_stops_being_full() -> None:
    """The callback and the waiting producer hear of the change, not of every piece."""
    rooms: list[float] = []
    channel = Channel(capacity=2)
    channel.on_room = lambda: rooms.append(len(channel))
    for _ in range(3):
        channel.put(Piece(b"a", 0))
    waiting = asyncio.create_task(channel.wait_for_room())
    await asyncio.sleep(0)
    await channel.get()
    assert channel.is_full()
    assert rooms == []
    await channel.get()
    await channel.get()
    assert rooms == [1]
    await waiting


async def test_cancelled_get_loses_nothing() -> None:
    """A piece that comes in the moment of a cancellation stays in the queue."""
    channel = Channel()
    getting = asyncio.create_task(channel.get())
    await asyncio.sleep(1)
    channel.put(Piece(b"a", 0))
    getting.cancel()
    await asyncio.sleep(1)
    assert getting.cancelled()
    assert [piece.data for piece in channel.drain()] == [b"a"]
