"""Bulkhead: at most so many calls to one dependency at a time.

What: permits, and a queue bounded in length and in time, served first come, first served. Why: calls to a dependency
that hangs pile up until they hold every worker, and routes that never needed it fail too.
Source: the pattern is from Nygard, "Release It!"; the permits needed are arrival rate x latency (Little's law).

It bounds calls, not what lies below them: a connection pool that several dependencies share is shared still, and
permits that add up to more than the workers there are protect no one.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.outcome import NotSent


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkheadConfig:
    """`permits` calls run; `queue_max` more wait, each for at most `wait_s`; with either at 0, none does."""

    permits: Annotated[int, Meta(ge=1, le=100_000)] = 20
    queue_max: Annotated[int, Meta(ge=0, le=100_000)] = 0
    wait_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0


class BulkheadFull(NotSent):
    """No permit was free, or none came free in time: the call was not sent."""


class Bulkhead:
    """Inside the retries, so that no permit is held while one waits for the next attempt."""

    name: ClassVar[str] = "bulkhead"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[BulkheadConfig]] = BulkheadConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("admitted",)

    def __init__(self, config: BulkheadConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._in_use = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        context.teller.concurrency(limit=config.permits, in_use=lambda: self._in_use)

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or raise `BulkheadFull` without sending."""
        if self._in_use < self._config.permits:
            self._in_use += 1
        else:
            await self._wait_for_permit(operation)
        try:
            self._context.teller.decided("admitted", in_use=self._in_use)
            return await proceed(operation)
        finally:
            self._release()

    async def _wait_for_permit(self, operation: Operation) -> None:
        wait_s = self._wait_s(operation)
        if wait_s <= 0 or len(self._queue) >= self._config.queue_max:
            raise self._full(operation)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await asyncio.wait({turn}, timeout=wait_s)
        except BaseException:
            self._leave(turn)
            raise
        if not turn.done() or self._wait_s(operation) <= 0:
            self._leave(turn)
            raise self._full(operation)

    def _wait_s(self, operation: Operation) -> float:
        """Return how long this caller may queue: never beyond its deadline."""
        if operation.deadline_s is None:
            return self._config.wait_s
        return min(self._config.wait_s, operation.deadline_s - asyncio.get_running_loop().time())

    def _leave(self, turn: asyncio.Future[None]) -> None:
        """Stop waiting; a permit that was handed over at the same moment goes to the next."""
        if turn.done():
            self._release()
        else:
            self._queue.remove(turn)

    def _release(self) -> None:
        if self._queue:
            # The permit changes hands without being free in between, so that a newcomer cannot jump the queue.
            self._queue.popleft().set_result(None)
            return
        self._in_use -= 1

    def _full(self, operation: Operation) -> BulkheadFull:
        self._context.teller.decided("rejected", in_use=self._in_use, queued=len(self._queue))
        return BulkheadFull(f"{operation.dependency}: all {self._config.permits} permits are taken")
