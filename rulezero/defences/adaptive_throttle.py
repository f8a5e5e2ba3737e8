"""Adaptive throttle: each client refuses its own calls when the dependency accepts too few of them.

What: refuses with probability (requests - K x accepts) / (requests + 1), over the last seconds. Why: saying no costs an
overloaded dependency too, and clients that keep asking can keep it busy with nothing but refusals.
Source: Google's SRE book, chapter "Handling Overload" (https://sre.google/sre-book/handling-overload/); what is refused
here counts as a request there (`count_local`), but not in Envoy's admission control, failsafe-go and Finagle.

With a dependency that accepts C of L calls a second it sees min(L, K x C) when local refusals count, else
sqrt(L x K x C). Each client below `volume_min` calls per window is not held back at all, however many there are.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.defences.deadline import DeadlineTimedOut
from rulezero.defences.rolling_window import RollingWindow
from rulezero.outcome import NotSent, Outcome, outcome_of

_OK, _CANCELLED = Outcome.OK, Outcome.CANCELLED


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveThrottleConfig:
    """Refuses once fewer than 1 in `k` requests of the last `window_s` were accepted, at most a share `reject_max`.

    The published window is 120 s; but it takes about a window to notice that all is well again, so a load that lasts a
    minute needs a shorter one. With `reject_max` = 1 a dependency that answers nothing is hardly asked again.
    `errors_accepted`: an error, unlike a timeout or a refusal, is no sign of overload. `count_local`: what the throttle
    itself refused counts as a request that was not accepted.
    """

    k: Annotated[float, Meta(ge=1, le=100)] = 2.0
    window_s: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    buckets: Annotated[int, Meta(ge=1, le=1000)] = 10
    reject_max: Annotated[float, Meta(ge=0, le=1)] = 0.8
    volume_min: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    count_local: bool = True
    errors_accepted: bool = False


class Throttled(NotSent):
    """The dependency accepts too few calls: this one was not sent."""


def rejection_probability(requests: int, accepts: int, config: AdaptiveThrottleConfig) -> float:
    """Return the share of calls to refuse, from 0 to `reject_max`."""
    if requests < config.volume_min:
        return 0.0
    return min(max(0.0, (requests - config.k * accepts) / (requests + 1)), config.reject_max)


class Machine:
    """Outcomes and instants in, a probability out; no clock and no dice.

    A request counts when its outcome is known, not when it starts: else slow ones would look like refused ones, and
    those whose callers left could not be left out.
    """

    def __init__(self, config: AdaptiveThrottleConfig) -> None:
        self._config = config
        self._window = RollingWindow(config.window_s, config.buckets)
        self._accepted = {
            Outcome.OK: True,
            Outcome.ERROR: config.errors_accepted,
            Outcome.TIMEOUT: False,
            Outcome.REJECTED: False,
        }

    def rejection_probability(self, now_s: float) -> float:
        """Return the share of calls to refuse now."""
        self._window.forget(now_s)
        total = self._window.total
        # The usual case: nothing was refused.
        if not total.failures:
            return 0.0
        return rejection_probability(total.calls, total.calls - total.failures, self._config)

    def rejected(self, now_s: float) -> None:
        """Count a request that was refused by the throttle itself."""
        if self._config.count_local:
            self._window.count(now_s, failed=True, slow=False)

    def settle(self, outcome: Outcome, now_s: float) -> None:
        """Count a request that was let through, by its outcome.

        One that a defence further in refused counts nothing: it says as little about the dependency as a caller that
        left, and a breaker that was open would be followed by a throttle that still holds back what would succeed.
        """
        accepted = self._accepted.get(outcome)
        if accepted is not None:
            self._window.count(now_s, failed=not accepted, slow=False)


class AdaptiveThrottle:
    """Outside the breaker: it thins out calls that the breaker would still let through."""

    name: ClassVar[str] = "adaptive_throttle"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[AdaptiveThrottleConfig]] = AdaptiveThrottleConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: AdaptiveThrottleConfig, context: Context) -> None:
        self._context = context
        self._machine = Machine(config)

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or raise `Throttled` without sending."""
        clock = asyncio.get_running_loop().time
        self._admit(operation, clock())
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
            self._machine.settle(outcome, clock())
        return reply

    def _admit(self, operation: Operation, now_s: float) -> None:
        probability = self._machine.rejection_probability(now_s)
        if not probability or self._context.random.random() >= probability:
            return
        self._machine.rejected(now_s)
        self._context.teller.decided("rejected", probability=probability)
        raise Throttled(f"{operation.dependency}: accepts too few calls, {probability:.0%} are held back")
