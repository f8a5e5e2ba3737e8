"""Circuit breaker: stop calling a dependency that keeps failing, and feel one's way back.

What: closed, it counts failures and slow calls over a rolling time window; open, it refuses at once; half-open, it lets
a few probes through and decides by them. Why: callers stop waiting for a dependency that will not answer, and the
dependency is left alone until it can.
Source: the pattern is from Nygard, "Release It!"; rates over a window with a minimum volume and a fixed number of
half-open permits follow resilience4j (https://resilience4j.readme.io/docs/circuitbreaker).

One breaker must stand for one thing that fails as a whole: over N shards, one dead shard closes off all of them.
"""

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.defences.deadline import DeadlineTimedOut
from rulezero.defences.rolling_window import RollingWindow, Tally
from rulezero.outcome import NotSent, Outcome, outcome_of

Rate = Annotated[float, Meta(gt=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
OPEN_JITTER = 0.2  # Else every process of a fleet that tripped together would probe together.


@dataclass(frozen=True, kw_only=True, slots=True)
class CircuitBreakerConfig:
    """Opens when, of at least `volume_min` calls within `window_s`, `failure_rate` failed or `slow_rate` were slow.

    Slow means `slow_call_s` or longer; None: duration does not matter. It stays open for `open_s`, twice as long each
    time the probes fail, up to `open_max_s`, all +-20 %. Then `probes` calls decide, by the same two rates; one that
    is silent for `probe_timeout_s` counts as failed.
    """

    window_s: Seconds = 2.0
    buckets: Annotated[int, Meta(ge=1, le=1000)] = 10
    volume_min: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    failure_rate: Rate = 0.5
    slow_call_s: Seconds | None = None
    slow_rate: Rate = 0.5
    open_s: Seconds = 1.0
    open_max_s: Seconds = 10.0
    probes: Annotated[int, Meta(ge=1, le=1000)] = 3
    probe_timeout_s: Seconds = 5.0

    def __post_init__(self) -> None:
        """Refuse what is allowed key by key but not together."""
        if self.open_s > self.open_max_s:
            raise ValueError("open_s: must not be above open_max_s; lower open_s or raise open_max_s")


class BreakerOpen(NotSent):
    """The breaker is open, or half-open with its probes out: the call was not sent."""


class State(IntEnum):
    """The numbers are those of the gauge."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


# Bound here because Python 3.11 takes as long to reach a member of an enumeration as to call a function.
_CLOSED, _HALF_OPEN, _OPEN = State
_OK, _TIMEOUT, _REJECTED, _CANCELLED = Outcome.OK, Outcome.TIMEOUT, Outcome.REJECTED, Outcome.CANCELLED
_CHANGES = ("closed", "half_opened", "opened")
_FAILURES = (Outcome.ERROR, _TIMEOUT)


# Leave to make one call: in which spell of which state it was given, its number, and when.
Permit = tuple[int, int, float]


class Machine:
    """The states and when they change: instants and outcomes in, permits out; no clock, no waiting, no lock."""

    def __init__(self, config: CircuitBreakerConfig, random: Random) -> None:
        self.state = _CLOSED
        self.reopens_s = 0.0
        self._config = config
        self._random = random
        self._open_s = config.open_s
        self._generation = 0
        self._issued = 0
        self._window = RollingWindow(config.window_s, config.buckets)
        self._probes_out: dict[int, float] = {}
        self._probed = Tally()

    def admit(self, now_s: float) -> Permit | None:
        """Return a permit to call now, to be settled once, or None."""
        if self.state is not _CLOSED and not self._may_probe(now_s):
            return None
        self._issued += 1
        permit = (self._generation, self._issued, now_s)
        if self.state is _HALF_OPEN:
            self._probes_out[self._issued] = now_s
        return permit

    def settle(self, permit: Permit, outcome: Outcome, now_s: float) -> None:
        """Take the permit back and count what the outcome says about the callee, which may be nothing."""
        generation, number, started_s = permit
        if generation != self._generation:
            return
        if self.state is _HALF_OPEN and self._probes_out.pop(number, None) is None:
            return  # Already counted as silent.
        failed = outcome is not _OK
        if failed and outcome not in _FAILURES:
            return
        slow_s = self._config.slow_call_s
        slow = slow_s is not None and (outcome is _TIMEOUT or now_s - started_s >= slow_s)
        self._count(now_s, failed=failed, slow=slow)

    def _may_probe(self, now_s: float) -> bool:
        if self.state is _OPEN and now_s >= self.reopens_s:
            self._enter(_HALF_OPEN)
        self._take_back_silent_probes(now_s)
        if self.state is _HALF_OPEN:
            return len(self._probes_out) + self._probed.calls < self._config.probes
        return self.state is _CLOSED

    def _take_back_silent_probes(self, now_s: float) -> None:
        # Counted as failed, not just replaced: else probes that all hang would keep it half-open for ever.
        for number, started_s in list(self._probes_out.items()):
            if now_s - started_s >= self._config.probe_timeout_s:
                del self._probes_out[number]
                self._count(now_s, failed=True, slow=self._config.slow_call_s is not None)

    def _count(self, now_s: float, *, failed: bool, slow: bool) -> None:
        if self.state is _CLOSED:
            window = self._window
            window.count(now_s, failed=failed, slow=slow)
            if window.total.calls >= self._config.volume_min and self._is_bad(window.total):
                self._open(now_s, self._config.open_s)
            return
        self._probed.count(failed=failed, slow=slow)
        if self._probed.calls < self._config.probes:
            return
        if self._is_bad(self._probed):
            self._open(now_s, min(2 * self._open_s, self._config.open_max_s))
        else:
            self._enter(_CLOSED)

    def _is_bad(self, tally: Tally) -> bool:
        if not tally.failures and not tally.slow:
            return False
        too_many_failed = tally.failures / tally.calls >= self._config.failure_rate
        return too_many_failed or tally.slow / tally.calls >= self._config.slow_rate

    def _open(self, now_s: float, open_s: float) -> None:
        self._open_s = open_s
        self.reopens_s = now_s + open_s * self._random.uniform(1 - OPEN_JITTER, 1 + OPEN_JITTER)
        self._enter(_OPEN)

    def _enter(self, state: State) -> None:
        self.state = state
        self._generation += 1
        self._window = RollingWindow(self._config.window_s, self._config.buckets)
        self._probed = Tally()


class CircuitBreaker:
    """Outside the bulkhead: a call refused here takes no permit there."""

    name: ClassVar[str] = "circuit_breaker"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[CircuitBreakerConfig]] = CircuitBreakerConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("allowed",)

    def __init__(self, config: CircuitBreakerConfig, context: Context) -> None:
        self._teller = context.teller
        self._machine = Machine(config, context.random)
        self._told = _CLOSED
        context.teller.breaker_state(self._told)

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or raise `BreakerOpen` without sending."""
        loop = asyncio.get_running_loop()
        permit = self._admit(operation, loop.time())
        outcome = _CANCELLED
        try:
            reply = await proceed(operation)
            outcome = _OK
        except DeadlineTimedOut:
            raise  # Of the caller's own deadline, which says nothing about the callee.
        except Exception as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._settle(permit, outcome, loop.time())
        return reply

    def _admit(self, operation: Operation, now_s: float) -> Permit:
        permit = self._machine.admit(now_s)
        if self._machine.state is not self._told:
            self._tell_state()
        if permit is None:
            self._teller.decided("rejected", state=self._told.name)
            wait_s = max(self._machine.reopens_s - now_s, 0.0)
            raise BreakerOpen(f"{operation.dependency}: the breaker is open", retry_after_s=wait_s)
        self._teller.decided("probe" if self._told is _HALF_OPEN else "allowed")
        return permit

    def _settle(self, permit: Permit, outcome: Outcome, now_s: float) -> None:
        self._machine.settle(permit, outcome, now_s)
        if outcome is _REJECTED:
            self._teller.decided("overloaded")
        if self._machine.state is not self._told:
            self._tell_state()

    def _tell_state(self) -> None:
        self._told = state = self._machine.state
        self._teller.breaker_state(state)
        self._teller.decided(_CHANGES[state])
