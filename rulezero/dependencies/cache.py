"""A look-aside cache on Redis or Valkey: entries, and leases on them."""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from prometheus_client import Gauge
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from rulezero.calls import Entry, Operation, Proceed
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.entries import decode, encode
from rulezero.outcome import Failed
from rulezero.request_context import current_deadline_s
from rulezero.telemetry import metrics
from rulezero.toggles.stacks import Stack

# A command takes well under a millisecond: this many connections never are the bottleneck.
_CONNECTIONS_MAX = 32
_LEASE = "lease:"
# Compared and deleted in one step: between two commands the lease could end and become somebody else's.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class _Pool(BlockingConnectionPool):
    """Counts those who wait for a connection: its line is a queue like any other."""

    def __init__(self, *, pending: Gauge, **settings: Any) -> None:
        super().__init__(**settings)
        self._pending = pending

    async def get_connection(self, command_name: str | None = None, *_: Any, **__: Any) -> Any:  # noqa: ARG002 - the driver's signature; it uses none of them.
        with self._pending.track_inprogress():
            return await super().get_connection()  # type: ignore[no-untyped-call]  # The driver's.


class Cache:
    """Entries and leases, as operations on one link, inside the call defences. One round trip each.

    All methods raise `CallError` when the cache did not answer.
    """

    def __init__(self, link: Link, *, stack: Stack) -> None:
        self._link = link
        self._stack = stack
        host, _, port = link.address.rpartition(":")
        pool = _Pool(
            pending=metrics.CONNECTIONS_PENDING.labels(pool=link.name),
            host=host,
            port=int(port),
            max_connections=_CONNECTIONS_MAX,
            # The driver's own 20 s and 5 s would be timeouts that nobody switched on.
            timeout=None,
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

    async def look_up(self, key: str) -> Entry | None:
        """Return the entry, fresh or stale, or None."""
        stored, left_ms = await self._call("GET", partial(self._get, key))
        return None if stored is None else decode(stored, left_s=left_ms / 1000)

    async def put(
        self, key: str, value: bytes, *, ttl_s: float, keep_s: float, load_s: float, found: str | None
    ) -> bool:
        """Set an entry that is fresh for `ttl_s` and kept, stale, for `keep_s` more; `load_s` is what it cost.

        Returns whether it replaced what its loader had `found` (a version, or None): if not, somebody else has put
        another meanwhile, and this load was one too many.
        """
        version = secrets.token_hex(8)  # Not seeded: those of all processes, and of all their lives, must differ.
        stored = encode(value, version=version, load_s=load_s, keep_s=keep_s)
        milliseconds = max(1, round(ttl_s * 1000)) + round(keep_s * 1000)
        # Not to be repeated: a copy that comes late would overwrite what somebody has put since.
        set_it = partial(self._redis.set, key, stored, px=milliseconds, get=True)
        old = await self._call("SET", set_it, idempotent=False)
        replaced = None if old is None else decode(old, left_s=0.0)
        return replaced is None or replaced.version == found

    async def acquire_lease(self, key: str, *, owner: str, lease_s: float) -> bool:
        """Tell whether the lease is this owner's now, or somebody else has it. After an error it may be either's."""
        milliseconds = max(1, round(lease_s * 1000))
        # Not to be repeated: after a first attempt that arrived, a second one would find the lease taken, by itself.
        set_it = partial(self._redis.set, f"{_LEASE}{key}", owner, nx=True, px=milliseconds)
        return bool(await self._call("SET NX", set_it, idempotent=False))

    async def release_lease(self, key: str, owner: str) -> None:
        """End the lease if it still has this owner."""
        await self._call("EVAL", partial(self._redis.eval, _RELEASE, 1, f"{_LEASE}{key}", owner))

    async def _get(self, key: str) -> tuple[bytes | None, int]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            # Queued by these two, sent together by the third.
            pipeline.get(key)
            pipeline.pttl(key)
            stored, left_ms = await pipeline.execute()
        return stored, left_ms

    async def _call(self, name: str, run: Callable[[], Awaitable[Any]], *, idempotent: bool = True) -> Any:
        operation = Operation(
            name=name,
            dependency="cache",
            idempotent=idempotent,
            deadline_s=current_deadline_s(),
            elsewhere=False,
        )
        send: Proceed = partial(self._attempt, run=run)
        return await self._stack.call(operation, send)

    async def _attempt(self, operation: Operation, *, run: Callable[[], Awaitable[Any]]) -> Any:
        with self._link.attempt(operation):
            try:
                return await run()
            except (RedisError, OSError) as error:
                raise Failed(f"{self._link.name}: {type(error).__name__}: {error}") from None
