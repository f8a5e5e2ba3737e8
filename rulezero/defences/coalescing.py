"""Coalescing: those who ask for the same thing at the same time share one load.

What: the first caller for a key starts the load; callers that come while it runs wait for its result. Why: when a hot
key expires, every request of the next moment misses, and all of them go to the origin at once.
Source: Go's singleflight (https://pkg.go.dev/golang.org/x/sync/singleflight), but with the load in a task of its own:
else the first caller's cancellation or deadline becomes everyone's.

It works within one process: P processes still make P loads. All who wait get the same reply object, so treat it as
read-only; and the key must name everything the answer depends on, such as the tenant or the user.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.defences.time_limit import TimeLimit
from rulezero.outcome import Failed, TimedOut
from rulezero.request_context import deadline_var

Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class CoalescingConfig:
    """`load_timeout_s` ends a load that hangs; beyond `flights_max` loads at a time, callers load for themselves."""

    load_timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    flights_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


class LoadTimedOut(TimedOut):
    """The shared load took too long and was given up, for all who waited."""


class WaitTimedOut(TimedOut):
    """This caller's own deadline passed while it waited; the load goes on for the others."""

    retryable = False


class _Flight:
    """One load, what became of it, and those who wait, each by a future of its own: half the cost of `asyncio.wait`."""

    __slots__ = ("ended", "error", "loaded", "reply", "task", "waiters")

    def __init__(self) -> None:
        self.task: asyncio.Task[None]
        self.waiters: set[asyncio.Future[None]] = set()
        self.ended = self.loaded = False
        self.reply: Any = None
        self.error: Exception | None = None


class Coalescing:
    """Inside those that decide whether to load at all, outside the lease: one of this process asks for it."""

    name: ClassVar[str] = "coalescing"
    family: ClassVar[Family] = "cache"
    config_type: ClassVar[type[CoalescingConfig]] = CoalescingConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("leader",)

    def __init__(self, config: CoalescingConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._flights: dict[Key, _Flight] = {}
        # The loop keeps no strong reference to a task, and an abandoned load may take a while to end.
        self._loads: set[_Flight] = set()

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply of the shared load, or raise its error, or `LoadTimedOut` or `WaitTimedOut`.

        Operations without a key, those that must not be repeated, and those with a fresh entry are passed through.
        """
        if not operation.key or not operation.idempotent or operation.fresh:
            return await proceed(operation)
        remaining_s = _remaining_s(operation)
        if remaining_s is not None and remaining_s <= 0:
            raise self._wait_timed_out(operation)
        key = (operation.dependency, operation.name, operation.key)
        flight = self._flights.get(key)
        if flight is None:
            if len(self._loads) >= self._config.flights_max:
                self._context.teller.decided("uncoalesced", flights=len(self._loads))
                return await proceed(operation)
            self._context.teller.decided("leader")
            flight = self._start(key, operation, proceed)
        else:
            self._context.teller.decided("follower", waiting=len(flight.waiters))
        return await self._wait(key, flight, operation)

    def _start(self, key: Key, operation: Operation, proceed: Proceed) -> _Flight:
        flight = self._flights[key] = _Flight()
        # A task copies the context variables, so that nothing the load sets reaches its first caller.
        flight.task = asyncio.create_task(self._load(key, flight, replace(operation, deadline_s=None), proceed))
        self._loads.add(flight)
        return flight

    async def _load(self, key: Key, flight: _Flight, operation: Operation, proceed: Proceed) -> None:
        deadline_var.set(None)  # The leader's own, in this task's copy of its context.
        limit = TimeLimit(asyncio.get_running_loop().time() + self._config.load_timeout_s)
        try:
            with limit:
                flight.reply = await proceed(operation)
            flight.loaded = True
        except TimeoutError as error:
            flight.error = self._load_timed_out(operation) if limit.expired else error
        except Exception as error:  # noqa: BLE001 - it is raised to each of those who wait.
            flight.error = error
        finally:
            self._ended(key, flight)

    async def _wait(self, key: Key, flight: _Flight, operation: Operation) -> Any:
        loop = asyncio.get_running_loop()
        waiter, timer = loop.create_future(), None
        if operation.deadline_s is not None:
            timer = loop.call_at(operation.deadline_s, _wake, waiter)
        flight.waiters.add(waiter)
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            flight.waiters.discard(waiter)
            if not flight.waiters and not flight.ended:
                self._abandon(key, flight)
        if not flight.ended:
            raise self._wait_timed_out(operation)
        if flight.error is not None:
            raise flight.error
        if not flight.loaded:
            raise Failed(f"{operation.dependency}: the shared load of {operation.key} was cancelled")
        return flight.reply

    def _load_timed_out(self, operation: Operation) -> LoadTimedOut:
        self._context.teller.decided("load_timed_out")
        return LoadTimedOut(f"{operation.dependency}: the shared load of {operation.key} took too long")

    def _wait_timed_out(self, operation: Operation) -> WaitTimedOut:
        self._context.teller.decided("wait_timed_out")
        return WaitTimedOut(f"{operation.dependency}: {operation.key} was not loaded before the deadline")

    def _abandon(self, key: Key, flight: _Flight) -> None:
        """End a load that nobody waits for."""
        self._forget(key, flight)
        # One that is cancelled before its first step never gets to its own end.
        flight.task.add_done_callback(lambda _: self._ended(key, flight))
        flight.task.cancel()

    def _forget(self, key: Key, flight: _Flight) -> None:
        """Remove the entry, unless it has become a newer flight's."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _ended(self, key: Key, flight: _Flight) -> None:
        flight.ended = True
        self._forget(key, flight)
        self._loads.discard(flight)
        for waiter in flight.waiters:
            _wake(waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _remaining_s(operation: Operation) -> float | None:
    if operation.deadline_s is None:
        return None
    return operation.deadline_s - asyncio.get_running_loop().time()
