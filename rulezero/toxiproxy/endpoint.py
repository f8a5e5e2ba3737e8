"""One socket of a proxied connection.

What arrives goes straight to the sink: with no toxics the event loop calls the other socket's `write` itself.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final, Protocol, cast

WRITE_BUFFER_BYTES: Final = 256 * 1024
"""Above this the other side is no longer read; one read of uvloop is that large."""
_LINGER_NOT: Final = struct.pack("ii", 1, 0)

Sink = Callable[[bytes], None]


class EndpointOwner(Protocol):
    """The connection, as seen by its two sockets."""

    def endpoint_connected(self, endpoint: "Endpoint") -> None:
        """Use the socket, which is connected now."""

    def endpoint_ended(self, endpoint: "Endpoint") -> None:
        """Pass on that the peer sends no more; it may still read."""

    def endpoint_lost(self, endpoint: "Endpoint") -> None:
        """Clean up behind the socket, which is gone."""

    def endpoint_writable(self, endpoint: "Endpoint") -> None:
        """Adapt to a write buffer that became full, or has room again."""


def discard(_data: bytes) -> None:
    """Take data that has nowhere to go."""


class Endpoint(asyncio.Protocol):
    """Client or upstream side."""

    __slots__ = ("_owner", "_paused", "_received_end", "_sent_end", "data_received", "lost", "transport", "write_full")
    data_received: Sink  # type: ignore[assignment]  # The event loop passes data by position.

    def __init__(self, owner: EndpointOwner) -> None:
        self._owner = owner
        self.transport: asyncio.Transport | None = None
        self.data_received = discard
        self.write_full = False
        self.lost = False
        self._paused = False
        self._received_end = False
        self._sent_end = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._owner.endpoint_connected(self)

    def eof_received(self) -> bool:
        """Keep the other direction open."""
        self._received_end = True
        self._owner.endpoint_ended(self)
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell the connection."""
        self.lost = True
        self.data_received = discard
        self._owner.endpoint_lost(self)

    def pause_writing(self) -> None:
        """Stop the other side's reading."""
        self.write_full = True
        self._owner.endpoint_writable(self)

    def resume_writing(self) -> None:
        """Let the other side read again."""
        self.write_full = False
        self._owner.endpoint_writable(self)

    def write(self, data: bytes | memoryview) -> None:
        """Send, or discard once the socket closes."""
        if self.transport is not None and not self._sent_end and not self.transport.is_closing():
            self.transport.write(data)

    def set_sink(self, sink: Sink) -> None:
        """Pass on to `sink` what arrives from now on."""
        self.data_received = sink
        if self.transport is not None and not self.lost:
            self.transport.set_protocol(self)  # uvloop looks `data_received` up only here.

    def set_reading(self, *, wanted: bool) -> None:
        """Pause or resume reading; repeated calls cost nothing."""
        if wanted is not self._paused or self._received_end:
            return
        if self.transport is None or self.transport.is_closing():
            return
        self._paused = not wanted
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def half_close(self) -> None:
        """Send the end of the data."""
        if self.transport is not None and not self.transport.is_closing():
            self._sent_end = True
            with contextlib.suppress(OSError):  # The peer may have reset the connection already.
                self.transport.write_eof()

    def close(self) -> None:
        """Close behind the data written so far."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once, dropping what this process has not yet written."""
        if self.transport is not None:
            self.transport.abort()

    def reset(self) -> None:
        """Close at once with a TCP RST."""
        if self.transport is None or self.transport.is_closing():
            return
        with contextlib.suppress(OSError):
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()
