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


@dataclass(slots=True, eq=False)
class _Flight:
    """One load and how many wait for it."""

    task: asyncio.Task[Any]
    waiters: int = 0


class Coalescing:
    """Outermost: one load, with whatever defends it, serves all who wait."""

    name: ClassVar[str] = "coalescing"
    family: ClassVar[Family] = "cache"
    config_type: ClassVar[type[CoalescingConfig]] = CoalescingConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("leader",)

    def __init__(self, config: CoalescingConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._flights: dict[Key, _Flight] = {}
        # The loop keeps no strong reference to a task, and an abandoned load may take a while to end.
        self._loads: set[asyncio.Task[Any]] = set()

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
        # A load that ended a moment ago is not joined: its error belongs to those who waited for it.
        if flight is None or flight.task.done():
            if len(self._loads) >= self._config.flights_max:
                self._context.teller.decided("uncoalesced", flights=len(self._loads))
                return await proceed(operation)
            self._context.teller.decided("leader")
            flight = self._start(key, operation, proceed)
        else:
            self._context.teller.decided("follower", waiting=flight.waiters)
        return await self._wait(key, flight, operation)

    def _start(self, key: Key, operation: Operation, proceed: Proceed) -> _Flight:
        # A task copies the context variables, so that nothing the load sets reaches its first caller.
        task = asyncio.create_task(self._load(replace(operation, deadline_s=None), proceed))
        flight = self._flights[key] = _Flight(task)
        self._loads.add(task)
        task.add_done_callback(lambda _: self._ended(key, flight))
        return flight

    async def _load(self, operation: Operation, proceed: Proceed) -> Any:
        deadline_var.set(None)  # The leader's own, in this task's copy of its context.
        timer = asyncio.timeout(self._config.load_timeout_s)
        try:
            async with timer:
                return await proceed(operation)
        except TimeoutError:
            if not timer.expired():
                raise
            self._context.teller.decided("load_timed_out")
            raise LoadTimedOut(f"{operation.dependency}: the shared load of {operation.key} took too long") from None

    async def _wait(self, key: Key, flight: _Flight, operation: Operation) -> Any:
        flight.waiters += 1
        try:
            # `asyncio.wait` leaves the task alone when the waiter is cancelled or its time is up.
            await asyncio.wait({flight.task}, timeout=_remaining_s(operation))
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()
        if not flight.task.done():
            raise self._wait_timed_out(operation)
        if flight.task.cancelled():
            raise Failed(f"{operation.dependency}: the shared load of {operation.key} was cancelled")
        return flight.task.result()

    def _wait_timed_out(self, operation: Operation) -> WaitTimedOut:
        self._context.teller.decided("wait_timed_out")
        return WaitTimedOut(f"{operation.dependency}: {operation.key} was not loaded before the deadline")

    def _forget(self, key: Key, flight: _Flight) -> None:
        """Remove the entry, unless it has become a newer flight's."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _ended(self, key: Key, flight: _Flight) -> None:
        self._forget(key, flight)
        self._loads.discard(flight.task)
        if not flight.task.cancelled():
            flight.task.exception()  # Looked at, so that asyncio does not report an error nobody waited for.


def _remaining_s(operation: Operation) -> float | None:
    if operation.deadline_s is None:
        return None
    return operation.deadline_s - asyncio.get_running_loop().time()
