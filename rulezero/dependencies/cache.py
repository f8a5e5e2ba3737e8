"""A look-aside cache on Redis or Valkey, and reading through it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from rulezero.calls import Operation
from rulezero.dependencies.attempts import Link
from rulezero.outcome import CallError, Failed
from rulezero.request_context import current_deadline_s, deadline_var
from rulezero.telemetry import metrics
from rulezero.toggles.stacks import Stack

# A command takes well under a millisecond: this many connections never are the bottleneck.
_CONNECTIONS_MAX = 32
_WAIT_S = 20

Load = Callable[[], Awaitable[bytes]]


class Cache:
    """Get and set, as operations on one link, inside the call defences."""

    def __init__(self, link: Link, *, stack: Stack) -> None:
        self._link = link
        self._stack = stack
        host, _, port = link.address.rpartition(":")
        pool = BlockingConnectionPool(
            host=host,
            port=int(port),
            max_connections=_CONNECTIONS_MAX,
            timeout=_WAIT_S,
            # The driver's own 5 s would be a timeout that nobody switched on.
            socket_timeout=None,
            socket_connect_timeout=None,
        )
        self._redis = Redis(connection_pool=pool)

    async def open(self) -> None:
        """Connect once, so that a missing cache is noticed at the start."""
        await self._attempt(Operation(name="PING", dependency="cache"), run=self._redis.ping)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.connection_pool.disconnect()

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None.

        Raises:
            CallError: The cache did not answer.

        """
        operation = Operation(name="GET", dependency="cache", deadline_s=current_deadline_s())
        value: bytes | None = await self._stack.call(
            operation, partial(self._attempt, run=lambda: self._redis.get(key))
        )
        return value

    async def put(self, key: str, value: bytes, *, ttl_s: float) -> None:
        """Set a value that expires.

        Raises:
            CallError: The cache did not answer.

        """
        operation = Operation(name="SET", dependency="cache", deadline_s=current_deadline_s())
        set_it = partial(self._redis.set, key, value, px=max(1, round(ttl_s * 1000)))
        await self._stack.call(operation, partial(self._attempt, run=set_it))

    async def _attempt(self, operation: Operation, *, run: Callable[[], Awaitable[Any]]) -> Any:
        with self._link.attempt(operation):
            try:
                return await run()
            except (RedisError, OSError) as error:
                raise Failed(f"{self._link.name}: {type(error).__name__}: {error}") from None


class ReadThrough:
    """Reads entries through a cache; a missing one is loaded inside the cache defences and put back.

    A cache that does not answer costs a load, never an error.
    """

    def __init__(self, cache: Cache, *, name: str, ttl_s: float, stack: Stack) -> None:
        self._cache = cache
        self._name = name
        self._ttl_s = ttl_s
        self._stack = stack
        self._in_flight: Counter[str] = Counter()
        self._results = {
            result: metrics.CACHE_REQUESTS.labels(cache=name, result=result) for result in ("hit", "miss", "error")
        }
        self._loads = metrics.CACHE_LOADS.labels(cache=name)

    async def get(self, key: str, load: Load) -> bytes:
        """Return the entry, from the cache or from `load`.

        Raises:
            CallError: It was in neither.

        """
        value = await self._look_up(key)
        if value is not None:
            return value
        operation = Operation(
            name=f"load {self._name}", dependency=self._name, key=key, deadline_s=current_deadline_s()
        )
        loaded: bytes = await self._stack.call(operation, partial(self._load, load=load))
        return loaded

    async def _look_up(self, key: str) -> bytes | None:
        try:
            value = await self._cache.get(key)
        except CallError:
            self._results["error"].inc()
            return None
        self._results["hit" if value is not None else "miss"].inc()
        return value

    async def _load(self, operation: Operation, *, load: Load) -> bytes:
        self._in_flight[operation.key] += 1
        metrics.CACHE_HERD.labels(cache=self._name).observe(self._in_flight[operation.key])
        self._loads.inc()
        clock = asyncio.get_running_loop().time
        start_s = clock()
        # A load that several wait for must not inherit the deadline of the one who happened to start it.
        token = deadline_var.set(operation.deadline_s)
        try:
            value = await load()
            metrics.CACHE_LOAD_DURATION.labels(cache=self._name).observe(clock() - start_s)
            await self._put(operation.key, value)
        finally:
            deadline_var.reset(token)
            self._in_flight -= Counter({operation.key: 1})
        return value

    async def _put(self, key: str, value: bytes) -> None:
        try:
            await self._cache.put(key, value, ttl_s=self._ttl_s)
        except CallError:
            self._results["error"].inc()
