"""What a service gets from its process: settings, toggles, and its dependencies, opened and closed together."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from random import Random

import aiohttp

from rulezero.defences.context import Family, SharedCache, SharedQueue
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.cache import Cache
from rulezero.dependencies.database import Database
from rulezero.dependencies.http import HttpDependency, open_session
from rulezero.dependencies.queue import Queue
from rulezero.dependencies.queue_consumer import QueueConsumer
from rulezero.dependencies.read_through import ReadThrough
from rulezero.dependencies.stream import Stream
from rulezero.errors import UsageProblem
from rulezero.service.worker import Handle, Worker
from rulezero.settings import Settings
from rulezero.toggles.stacks import Stack
from rulezero.toggles.store import ToggleStore

_OPEN_TRIES = 50
_OPEN_WAIT_S = 0.1


class Runtime:
    """Makes dependencies while the app is built; `open` connects them, `close` ends them."""

    def __init__(self, settings: Settings, store: ToggleStore) -> None:
        self.settings = settings
        self.store = store
        self._session: aiohttp.ClientSession | None = None
        self._opened = AsyncExitStack()
        self._stacks: list[Stack] = []
        self._to_open: list[tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]] = []

    def random(self, purpose: str) -> Random:
        """Return a random source seeded by the run, this instance and the purpose."""
        return Random(f"{self.settings.seed}:{self.settings.instance}:{purpose}")

    def http(self, dependency: str) -> HttpDependency:
        """Return a dependency behind every link from this service to it ("edge-catalog-1", "edge-catalog-2")."""
        prefix = f"{self.settings.service}-{dependency}"
        names = sorted(name for name in self.settings.links if name == prefix or name.startswith(f"{prefix}-"))
        if not names:
            raise UsageProblem(f"no link {prefix} in RULEZERO_LINKS; add it to the links file")
        if self._session is None:
            self._session = open_session()
            self._opened.push_async_callback(self._session.close)
        links = [self._link(name, dependency) for name in names]
        return HttpDependency(links, name=dependency, stack=self._stack("call", dependency), session=self._session)

    def database(self, role: str, *, pool_size: int) -> Database:
        """Return the database of a role ("primary", "replica")."""
        link = self._link(f"{self.settings.service}-{role}", role)
        dsn = self.settings.database.replace("{address}", link.address)
        size = int(self.settings.number("pool_size", pool_size))
        database = Database(link, role=role, dsn=dsn, pool_size=size, stack=self._stack("call", role))
        self._to_open.append((database.open, database.close))
        return database

    def read_through(self, name: str, *, ttl_s: float) -> ReadThrough:
        """Return a look-aside cache for entries of one kind."""
        link = self._link(f"{self.settings.service}-cache", "cache")
        cache = Cache(link, stack=self._stack("call", "cache"))
        self._to_open.append((cache.open, cache.close))
        ttl_s = self.settings.number("cache_ttl_s", ttl_s)
        return ReadThrough(cache, name=name, ttl_s=ttl_s, stack=self._stack("cache", name, shared=cache))

    def queue(self, name: str) -> Queue:
        """Return the queue of this name, to publish to; its `watch` is for the app's background."""
        stream = Stream(name)
        queue = Queue(
            self._link(f"{self.settings.service}-queue", "queue"),
            stream,
            stack=self._stack("call", "queue"),
            delivery=self._stack("delivery", name, queue=stream),
        )
        self._to_open.append((queue.open, queue.close))
        return queue

    def worker(self, name: str, handle: Handle, *, slots: int, service_s: float) -> Worker:
        """Return a worker that takes messages off the queue of this name; its `run` is for the app's background."""
        link = self._link(f"{self.settings.service}-queue", "queue")
        consumer = QueueConsumer(link, Stream(name), name=self.settings.service)
        self._to_open.append((consumer.open, consumer.close))
        number = self.settings.number
        slots = int(number("slots", slots))
        return Worker(
            consumer,
            handle,
            slots=slots,
            prefetch=int(number("prefetch", slots)),
            service_s=number("service_s", service_s),
            service_cv=number("service_cv", 1.0),
            random=self.random("worker"),
        )

    def admission(self) -> Stack:
        """Return the defences at this service's own door."""
        return self._stack("admission", "slots")

    async def open(self) -> None:
        """Connect every dependency, waiting a little for those that start at the same time.

        Raises:
            CallError: One of them cannot be reached.

        """
        for open_one, close_one in self._to_open:
            self._opened.push_async_callback(close_one)
            await _patiently(open_one)

    async def close(self) -> None:
        """End what runs in the background, and close what is open, also after a failed start."""
        for stack in self._stacks:
            await stack.close()
        await self._opened.aclose()

    def _link(self, name: str, dependency: str) -> Link:
        try:
            address = self.settings.links[name]
        except KeyError:
            raise UsageProblem(f"no link {name} in RULEZERO_LINKS; add it to the links file") from None
        return Link(name=name, address=address, dependency=dependency)

    def _stack(
        self,
        family: Family,
        dependency: str,
        *,
        shared: SharedCache | None = None,
        queue: SharedQueue | None = None,
    ) -> Stack:
        stack = Stack(
            self.store,
            family=family,
            dependency=dependency,
            caller=self.settings.service,
            random=self.random(f"{family}:{dependency}"),
            shared=shared,
            queue=queue,
        )
        self._stacks.append(stack)
        return stack


async def _patiently(open_one: Callable[[], Awaitable[None]]) -> None:
    for _ in range(_OPEN_TRIES - 1):
        try:
            return await open_one()
        except Exception:  # noqa: BLE001 - whatever a driver raises, the last try below lets it through.
            await asyncio.sleep(_OPEN_WAIT_S)
    return await open_one()
