"""Reading through a cache, inside the cache defences.

Loads per expiry, over all processes, are what `cache_writes_total` tells: (renewed + redundant) / renewed.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from rulezero.calls import Entry, Operation
from rulezero.dependencies.cache import Cache
from rulezero.outcome import CallError
from rulezero.request_context import Queueing, current_deadline_s, deadline_var, queueing_var
from rulezero.telemetry import metrics, tracing
from rulezero.toggles.stacks import Stack

Load = Callable[[], Awaitable[bytes]]
_KEPT = 0.5  # Of the last load time, in the next: one odd sample is halved, ten make it forgotten.


class ReadThrough:
    """Reads entries of one kind; what is missing or expired is loaded and put back.

    A cache that does not answer costs a load, never an error. `ttl_s` is how long an entry is fresh; how long it is
    kept after that is the defences' to say.
    """

    def __init__(self, cache: Cache, *, name: str, ttl_s: float, stack: Stack) -> None:
        self._cache = cache
        self._name = name
        self._ttl_s = ttl_s
        self._stack = stack
        self._in_flight: Counter[str] = Counter()
        self._requests = {
            result: metrics.CACHE_REQUESTS.labels(cache=name, result=result)
            for result in ("hit", "stale", "miss", "error")
        }
        self._writes = {
            result: metrics.CACHE_WRITES.labels(cache=name, result=result)
            for result in ("renewed", "redundant", "error")
        }
        self._blocked = metrics.CACHE_BLOCKED_READS.labels(cache=name)
        self._loads = metrics.CACHE_LOADS.labels(cache=name)

    async def get(self, key: str, load: Load) -> bytes:
        """Return the entry's value, from the cache or from `load`.

        Raises:
            CallError: It was in neither.

        """
        entry = await self._look_up(key)
        if entry is not None and entry.fresh and self._stack.empty:
            return entry.value
        operation = Operation(
            name=f"read {self._name}",
            dependency=self._name,
            key=key,
            entry=entry,
            ttl_s=self._ttl_s,
            deadline_s=current_deadline_s(),
        )
        # Set in the loop's next turn, that is if this read lets go of the loop: what it found is served at once.
        waited = asyncio.Event()
        turn = asyncio.get_running_loop().call_soon(waited.set)
        try:
            value: bytes = await self._stack.call(operation, partial(self._serve, load=load))
        finally:
            turn.cancel()
            if waited.is_set():
                self._blocked.inc()
        return value

    async def _look_up(self, key: str) -> Entry | None:
        try:
            entry = await self._cache.look_up(key)
        except CallError:
            self._requests["error"].inc()
            return None
        self._requests["miss" if entry is None else "hit" if entry.fresh else "stale"].inc()
        return entry

    async def _serve(self, operation: Operation, *, load: Load) -> bytes:
        if operation.entry is not None and operation.entry.fresh:
            return operation.entry.value
        self._in_flight[operation.key] += 1
        metrics.CACHE_HERD.labels(cache=self._name).observe(self._in_flight[operation.key])
        self._loads.inc()
        # A load that several wait for must not inherit the deadline of the one who happened to start it.
        token = deadline_var.set(operation.deadline_s)
        try:
            value, load_s = await self._load(load)
            await self._put(operation, value, load_s)
        finally:
            deadline_var.reset(token)
            self._landed(operation.key)
        return value

    def _landed(self, key: str) -> None:
        self._in_flight[key] -= 1
        if not self._in_flight[key]:
            del self._in_flight[key]

    async def _load(self, load: Load) -> tuple[bytes, float]:
        """Return what was loaded and how long that took, waiting in line apart."""
        clock = asyncio.get_running_loop().time
        start_s, queueing = clock(), Queueing()
        token = queueing_var.set(queueing)
        try:
            value = await load()
        finally:
            queueing_var.reset(token)
        took_s = clock() - start_s
        metrics.CACHE_LOAD_DURATION.labels(cache=self._name).observe(took_s, tracing.exemplar())
        return value, max(took_s - queueing.total_s, 0.0)

    async def _put(self, operation: Operation, value: bytes, load_s: float) -> None:
        old = operation.entry
        if old is not None:
            load_s = _KEPT * old.load_s + (1 - _KEPT) * load_s
        try:
            renewed = await self._cache.put(
                operation.key,
                value,
                ttl_s=operation.ttl_s,
                keep_s=operation.keep_s,
                load_s=load_s,
                found=old.version if old is not None else None,
            )
        except CallError:
            self._writes["error"].inc()
        else:
            self._writes["renewed" if renewed else "redundant"].inc()
