"""Mirrors rulezero/toxiproxy/listening.py."""

import socket

import pytest

from rulezero.toxiproxy.listening import ListenError, name_of, open_listener

pytestmark = pytest.mark.wall_clock


async def test_every_interface_takes_both_families() -> None:
    """An address without a host is reached over IPv4 too."""
    with await open_listener(":0") as listener:
        socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=5).close()


async def test_port_is_told_and_free_again_after_the_close() -> None:
    """A listener can be opened anew at once, even behind a connection."""
    with await open_listener("127.0.0.1:0") as listener:
        name = name_of(listener)
        socket.create_connection(listener.getsockname(), timeout=5).close()
        with pytest.raises(ListenError, match="bind: address already in use"):
            await open_listener(name)
    with await open_listener(name) as again:
        assert name_of(again) == name
