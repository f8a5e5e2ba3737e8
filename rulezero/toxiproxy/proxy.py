"""One proxy: a listening socket, its connections and its toxics."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from rulezero.toxiproxy.addresses import resolve
from rulezero.toxiproxy.connection import Connection
from rulezero.toxiproxy.go_json.encode import encode_string
from rulezero.toxiproxy.listening import BACKLOG, name_of, open_listener
from rulezero.toxiproxy.toxic import Direction, Toxic
from rulezero.toxiproxy.toxic_chains import ToxicChains

CONNECTIONS_MAX: Final = 16_384
"""Per proxy; more are closed at once."""
_log = logging.getLogger(__name__)


class ByteCounter(Protocol):
    """What keeps the proxy's metrics."""

    def counter(self, labels: tuple[str, str, str, str]) -> Callable[[int, int], None]:
        """Return a function that takes bytes received and bytes sent."""


class Proxy:
    """Disabled when made; not safe for concurrent changes, which the collection serialises."""

    def __init__(
        self, name: str, listen: str, upstream: str, generator: random.Random, metrics: ByteCounter | None = None
    ) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self.random = generator
        self._metrics = metrics
        self._connections: set[Connection] = set()
        self.toxics = ToxicChains(self._connections)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, unless it does already; raise `ListenError`. `listen` becomes the real address."""
        if self.enabled:
            return
        listener = await open_listener(self.listen)
        self.listen = name_of(listener)
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self).client, sock=listener, backlog=BACKLOG
            )
        except BaseException:
            listener.close()
            raise
        self.enabled = True
        _log.info("proxy %s: %s to %s", self.name, self.listen, self.upstream)

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        self.enabled = False
        if self._server is not None:
            self._server.close()
            self._server = None
            _log.info("proxy %s: stopped", self.name)
        for connection in list(self._connections):
            connection.abort()

    async def differs(self, listen: str, upstream: str) -> bool:
        """Whether other addresses are meant; raise `AddressError`."""
        return self.listen != str(await resolve(listen)) or self.upstream != upstream

    async def update(self, *, listen: str, upstream: str, enabled: bool) -> None:
        """Move to other addresses, which drops every connection, and switch on or off."""
        if await self.differs(listen, upstream):
            self.stop()
            self.listen, self.upstream = listen, upstream
        if enabled and not self.enabled:
            await self.start()
        elif not enabled:
            self.stop()

    def to_json(self) -> str:
        """Write it as the API shows it; `Logger` is an accident of the original that clients may expect."""
        toxics = ",".join(toxic.to_json() for toxic in self.toxics.all())
        return (
            f'{{"name":{encode_string(self.name)},"listen":{encode_string(self.listen)},'
            f'"upstream":{encode_string(self.upstream)},"enabled":{"true" if self.enabled else "false"},'
            f'"Logger":{{}},"toxics":[{toxics}]}}'
        )

    # What its connections ask for.

    def toxics_of(self, direction: Direction) -> Iterable[Toxic]:
        """Return the chain of a direction."""
        return self.toxics.chain(direction)

    def counter_of(self, direction: Direction) -> Callable[[int, int], None] | None:
        """Return what counts the bytes of a direction, if anything does."""
        if self._metrics is None:
            return None
        return self._metrics.counter((direction.value, self.name, self.listen, self.upstream))

    def connection_opened(self, connection: Connection) -> bool:
        """Take a new client, unless the proxy is disabled or has too many."""
        if not self.enabled or len(self._connections) >= CONNECTIONS_MAX:
            return False
        self._connections.add(connection)
        return True

    def connection_closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
