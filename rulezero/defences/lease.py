"""Lease: one loader across all processes.

What: who finds an entry missing or expired asks the cache for the lease on its key; the holder loads, the others look
again every `poll_s` until the entry is there. Why: coalescing makes P processes P loads, and this makes them one.
Source: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 (one token per key every 10 s); in
Redis a key set if absent, with an expiry, that holds its owner's token (https://redis.io/docs/latest/commands/set).
Of the two uses of a lease there, only the one against herds: a delete voids no token here, so that a load which began
before a delete still puts what it read.

A holder that dies keeps the others waiting for `lease_s`, then one of them takes over; so it must be longer than a load
takes, else a second one starts beside it. When a load fails the lease is given back, and the waiting try it one after
the other. Nobody waits beyond `wait_s`, then everyone loads for themselves, nor beyond their own deadline. A cache that
does not answer costs a load, never an error. Waiters poll, each by itself: with many of them, put coalescing around it.
"""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rulezero.calls import Entry, Operation, Proceed
from rulezero.defences.context import Context, Family, SharedCache
from rulezero.defences.deadline import DeadlineExceeded, DeadlineTimedOut
from rulezero.outcome import CallError, TimedOut

_POLL_JITTER = 0.5  # Else all who were refused together would ask together for ever.


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseConfig:
    """`lease_s` must be longer than a load; waiters look again every `poll_s` (+-50 %), for `wait_s` at most."""

    lease_s: Annotated[float, Meta(ge=0.001, le=3600)] = 3.0
    poll_s: Annotated[float, Meta(ge=0.001, le=60)] = 0.05
    wait_s: Annotated[float, Meta(gt=0, le=3600)] = 5.0


class LeaseWaitTimedOut(TimedOut):
    """This caller's own deadline passed while another process loaded."""

    retryable = False


class Lease:
    """Innermost of the cache defences: what gets here is a load that this process will make, unless another does."""

    name: ClassVar[str] = "lease"
    family: ClassVar[Family] = "cache"
    config_type: ClassVar[type[LeaseConfig]] = LeaseConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("holder",)

    def __init__(self, config: LeaseConfig, context: Context) -> None:
        self._config = config
        self._context = context

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or what another process has loaded meanwhile, or raise `LeaseWaitTimedOut`."""
        shared = self._context.shared
        if shared is None or not operation.key or operation.fresh:
            return await proceed(operation)
        turn = await self._bounded(shared, operation)
        if isinstance(turn, Entry):
            return turn.value
        try:
            return await proceed(operation)
        finally:
            self._give_back(shared, operation.key, turn)

    async def _bounded(self, shared: SharedCache, operation: Operation) -> Entry | str | None:
        """Return what another process loaded, or the token of the lease, or None to load without one."""
        now_s = asyncio.get_running_loop().time()
        left_s = None if operation.deadline_s is None else operation.deadline_s - now_s
        late = left_s is not None and left_s < self._config.wait_s
        timer = asyncio.timeout(left_s if late else self._config.wait_s)
        try:
            async with timer:
                return await self._turn(shared, operation)
        except (DeadlineExceeded, DeadlineTimedOut):
            # The cache's own defence saw the caller's deadline first.
            raise self._wait_timed_out(operation) from None
        except CallError as error:
            self._context.teller.decided("unavailable", outcome=error.outcome)
        except TimeoutError:
            if not timer.expired():
                raise
            if late:
                raise self._wait_timed_out(operation) from None
            self._context.teller.decided("gave_up")
        return None

    def _wait_timed_out(self, operation: Operation) -> LeaseWaitTimedOut:
        self._context.teller.decided("wait_timed_out")
        return LeaseWaitTimedOut(
            f"{operation.dependency}: {operation.key} was not loaded elsewhere before the deadline"
        )

    async def _turn(self, shared: SharedCache, operation: Operation) -> Entry | str:
        # Not seeded: those of all processes, and of all their lives, must differ.
        token, waited = secrets.token_hex(8), False
        while True:
            held = True  # Until the cache says no: it may have said yes when nobody was left to hear it.
            try:
                held = await shared.acquire_lease(operation.key, owner=token, lease_s=self._config.lease_s)
                # With the lease too: its last holder may just have put the entry and left.
                entry = await _newer(shared, operation)
                if entry is not None:
                    self._context.teller.decided("shared")
                    return entry
                if held:
                    held = False  # The load's now.
                    self._context.teller.decided("took_over" if waited else "holder")
                    return token
            finally:
                if held:
                    self._give_back(shared, operation.key, token)
            if not waited:
                self._context.teller.decided("waiter")
            waited = True
            jitter = self._context.random.uniform(1 - _POLL_JITTER, 1 + _POLL_JITTER)
            await asyncio.sleep(self._config.poll_s * jitter)

    def _give_back(self, shared: SharedCache, key: str, token: str | None) -> None:
        """Release the lease without keeping anyone waiting; one that cannot be released ends by itself."""
        if token is not None:
            self._context.background.give_back(partial(self._release, shared, key, token))

    async def _release(self, shared: SharedCache, key: str, token: str) -> None:
        with suppress(CallError, TimeoutError):
            async with asyncio.timeout(self._config.lease_s):
                await shared.release_lease(key, token)


async def _newer(shared: SharedCache, operation: Operation) -> Entry | None:
    """Return the entry if it is a fresh one, and another than the one that was found before."""
    entry = await shared.look_up(operation.key)
    old = operation.entry.version if operation.entry is not None else None
    return entry if entry is not None and entry.fresh and entry.version != old else None
