"""One proxied connection: client socket, upstream socket, a link for each direction."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from rulezero.toxiproxy.addresses import AddressError, parse_port, split_host_port
from rulezero.toxiproxy.endpoint import Endpoint
from rulezero.toxiproxy.link import Ending, Link
from rulezero.toxiproxy.toxic import Direction, Toxic

CONNECT_TIMEOUT_S: Final = 130.0
"""A little longer than Linux tries by itself."""
_log = logging.getLogger(__name__)


class ConnectionOwner(Protocol):
    """The proxy, as seen by its connections."""

    upstream: str
    random: random.Random

    def toxics_of(self, direction: Direction) -> Iterable[Toxic]:
        """Return the chain of a direction."""

    def counter_of(self, direction: Direction) -> Callable[[int, int], None] | None:
        """Return what counts the bytes of a direction, if anything does."""

    def connection_opened(self, connection: "Connection") -> bool:
        """Take a new client; False refuses it."""

    def connection_closed(self, connection: "Connection") -> None:
        """Both sockets are gone."""


class Connection:
    """Made when the listener is asked for a protocol; lives until both sockets are gone."""

    def __init__(self, owner: ConnectionOwner) -> None:
        self.client = Endpoint(self)
        self.upstream = Endpoint(self)
        self.links: dict[Direction, Link] = {}
        self._owner = owner
        self._early: list[bytes] = []
        self._early_end = False
        self._connecting: asyncio.Task[None] | None = None
        self._resets: list[asyncio.TimerHandle] = []

    def endpoint_connected(self, endpoint: Endpoint) -> None:
        """Connect to the upstream as soon as the client is there; let data flow before the upstream's first byte."""
        if endpoint is self.upstream:
            self._start_links()
            return
        if not self._owner.connection_opened(self):
            endpoint.abort()
            return
        # uvloop does not pause a socket that is only just made: the first read is kept, and then it is paused.
        endpoint.set_sink(self._keep_early)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def endpoint_ended(self, endpoint: Endpoint) -> None:
        """Pass the end of one side's data on."""
        link = self._link_from(endpoint)
        if link is not None:
            link.source_ended(Ending.HALF)
        elif endpoint is self.client:
            self._early_end = True

    def endpoint_lost(self, endpoint: Endpoint) -> None:
        """End both directions, each in its way, and forget the connection when nothing is left."""
        if self._connecting is not None and endpoint is self.client and not self.links:
            self._connecting.cancel()
        into, out_of = self._link_into(endpoint), self._link_from(endpoint)
        if into is not None:
            into.abandon()
        if out_of is not None:
            out_of.source_ended(Ending.FULL)
        if self.client.lost and (self.upstream.lost or self.upstream.transport is None):
            self._finish()

    def endpoint_writable(self, endpoint: Endpoint) -> None:
        """Let the link into the socket adjust."""
        link = self._link_into(endpoint)
        if link is not None:
            link.destination_writable()

    def link_ended(self) -> None:
        """Close both sockets when both directions are over."""
        if self.links and all(link.ended for link in self.links.values()):
            self.client.close()
            self.upstream.close()

    def reset_after(self, delay_s: float) -> None:
        """Reset both sockets after a delay."""
        if delay_s <= 0:
            self._reset()
        else:
            self._resets.append(asyncio.get_running_loop().call_later(delay_s, self._reset))

    def abort(self) -> None:
        """Close both sockets at once."""
        if self._connecting is not None:
            self._connecting.cancel()
        for link in self.links.values():
            link.abandon()
        self.client.abort()
        self.upstream.abort()

    def _reset(self) -> None:
        self.client.reset()
        self.upstream.reset()

    def _keep_early(self, data: bytes) -> None:
        self._early.append(data)
        self.client.set_reading(wanted=False)

    async def _connect(self) -> None:
        """Open the upstream socket, or drop the client."""
        try:
            host, port_text = split_host_port(self._owner.upstream)
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: self.upstream, host or "localhost", parse_port(port_text)
                )
        except (OSError, ValueError, AddressError) as problem:
            _log.debug("no connection to upstream %s: %s", self._owner.upstream, problem)
            self.client.abort()
            return
        except asyncio.CancelledError:
            self.upstream.abort()
            raise

    def _start_links(self) -> None:
        if self.client.lost:
            self.upstream.abort()
            return
        ends = {
            Direction.UPSTREAM: (self.client, self.upstream),
            Direction.DOWNSTREAM: (self.upstream, self.client),
        }
        for direction, (source, destination) in ends.items():
            self.links[direction] = Link(
                source, destination, self, self._owner.random, self._owner.counter_of(direction)
            )
        for direction, link in self.links.items():
            link.start(self._owner.toxics_of(direction))
        for data in self._early:
            self.client.data_received(data)
        self._early.clear()
        if self._early_end:
            self.endpoint_ended(self.client)

    def _finish(self) -> None:
        for handle in self._resets:
            handle.cancel()
        self._owner.connection_closed(self)

    def _link_from(self, endpoint: Endpoint) -> Link | None:
        return self.links.get(Direction.UPSTREAM if endpoint is self.client else Direction.DOWNSTREAM)

    def _link_into(self, endpoint: Endpoint) -> Link | None:
        return self.links.get(Direction.DOWNSTREAM if endpoint is self.client else Direction.UPSTREAM)
