"""The cache and the queue of a lab: where they listen, how they start, and how they are emptied between two arms."""

from collections.abc import Mapping
from pathlib import Path

from rulezero.errors import Problem
from rulezero.lab import cache, queue, ready
from rulezero.lab.messages import Start
from rulezero.lab.parts import Parts
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.lab.programs import version_of
from rulezero.lab.threads import to_the_end
from rulezero.lab.together import together

CACHE, QUEUE = "cache", "queue"
START_TIMEOUT_S = 15.0


class Stores:
    """Both of them. `folder` is where they run; a lab whose links lead to no queue has none, `queue_server` is None."""

    def __init__(self, cache_server: Path, queue_server: Path | None, parts: Parts, folder: Path) -> None:
        self._cache_server = cache_server
        self._queue_server = queue_server
        self._parts = parts
        self._folder = folder
        self._ports: dict[str, int] = {}

    def reserve(self, ports: Ports) -> None:
        """Choose where they will listen."""
        present = (CACHE,) if self._queue_server is None else (CACHE, QUEUE)
        self._ports = {name: ports.reserve() for name in present}

    @property
    def addresses(self) -> dict[str, str]:
        """Return where each listens, past its links."""
        return {name: f"{LOOPBACK}:{port}" for name, port in self._ports.items()}

    @property
    def versions(self) -> dict[str, str]:
        """Return what each is."""
        servers = {CACHE: self._cache_server, QUEUE: self._queue_server}
        return {name: f"{server.name} {version_of(server)}" for name, server in servers.items() if server is not None}

    async def start_all(self) -> None:
        """Start those that there are. Raises Problem."""
        await together(*(self.start(name) for name in self._ports))

    async def start(self, name: str) -> None:
        """Start one, empty, and wait until it answers. Raises Problem."""
        port = self._ports[name]
        if name == QUEUE and self._queue_server is not None:
            text = queue.configuration(self._folder, port)
            await to_the_end((self._folder / queue.CONFIGURATION).write_text, text, encoding="utf-8")
            command, probe = queue.server_command(self._queue_server, self._folder), ready.answers_nats(port)
        else:
            command, probe = cache.server_command(self._cache_server, port), ready.answers_ping(port)
        await self._parts.start(Start(name=name, argv=command, folder=str(self._folder)))
        await self._parts.until_ready(name, probe, START_TIMEOUT_S)

    async def empty(self) -> None:
        """Forget everything in them. Raises Problem."""
        await empty_stores(self._ports)


async def empty_stores(ports: Mapping[str, int]) -> None:
    """Forget everything in the cache and the queue that listen at these ports, past their links. Raises Problem."""
    empties = {CACHE: cache.flush, QUEUE: queue.empty}
    try:
        await together(*(empties[name](port) for name, port in ports.items()))
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        stores = " and ".join(ports)
        raise Problem(f"{stores} could not be emptied ({type(error).__name__}: {error}); see their logs") from error
