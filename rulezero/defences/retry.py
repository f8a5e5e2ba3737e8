"""Retry: ask again after a failure that may pass, later each time and not in step with others.

What: capped exponential backoff with jitter, by one layer of the system only. Why: transient failures vanish behind a
second attempt; but m attempts at each of L layers are m^L at the bottom, so retrying must be done in one place.
Source: the jitter forms are those of the AWS Architecture Blog, "Exponential Backoff and Jitter", with one change:
the cap is applied before the jitter, because clamping afterwards puts every late delay on the cap, in step again.
"""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.outcome import CallError, of_both


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryConfig:
    """At most `attempts_max` attempts, the first included; delays start at `base_s` and never exceed `cap_s`.

    `callers` names the services that may retry: the outermost one, unless `nested` says that more is meant.
    `non_idempotent` repeats also what may have been carried out, which is how people charge twice.
    A callee that asks for a pause gets it in addition; one longer than `retry_after_max_s` is not waited for.
    """

    attempts_max: Annotated[int, Meta(ge=1, le=100)] = 3
    base_s: Annotated[float, Meta(gt=0, le=3600)] = 0.05
    cap_s: Annotated[float, Meta(gt=0, le=3600)] = 1.0
    multiplier: Annotated[float, Meta(ge=1, le=10)] = 2.0
    jitter: Literal["full", "equal", "decorrelated", "none"] = "full"
    callers: tuple[str, ...] = ("edge",)
    nested: bool = False
    non_idempotent: bool = False
    retry_after_max_s: Annotated[float, Meta(ge=0, le=3600)] = 5.0

    def __post_init__(self) -> None:
        """Refuse what is allowed key by key but not together."""
        if len(set(self.callers)) > 1 and not self.nested:
            raise ValueError(
                "callers: retries at more than one layer multiply (m^L); name one service, or set nested = true"
            )
        if self.base_s > self.cap_s:
            raise ValueError("base_s: must not be above cap_s; lower base_s or raise cap_s")


def delay_s(attempt: int, previous_s: float, config: RetryConfig, random: Random) -> float:
    """Return the seconds to wait after the failure of `attempt` (from 1), always within [0, cap_s].

    `previous_s` is the delay before that attempt (`base_s` if there was none); only decorrelated jitter looks at it.
    """
    if config.jitter == "decorrelated":
        return random.uniform(config.base_s, min(config.cap_s, max(config.base_s, 3 * previous_s)))
    expo_s = min(config.cap_s, config.base_s * config.multiplier ** (attempt - 1))
    if config.jitter == "full":
        return random.uniform(0, expo_s)
    if config.jitter == "equal":
        return expo_s / 2 + random.uniform(0, expo_s / 2)
    return expo_s


def is_retryable(error: CallError, operation: Operation, *, non_idempotent: bool = False) -> bool:
    """Tell whether another attempt could help and does no harm if the failed one was carried out after all."""
    return error.retryable and (operation.idempotent or error.definite or non_idempotent)


class Retry:
    """Outside the breaker, so that an open breaker ends the attempts instead of being waited for."""

    name: ClassVar[str] = "retry"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[RetryConfig]] = RetryConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("not_retryable", "exhausted", "no_time")

    def __init__(self, config: RetryConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._acts = context.caller in config.callers

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the first reply, or raise the error of the last attempt that was sent (see `outcome.of_both`)."""
        if not self._acts:
            return await proceed(operation)
        backoff_s = self._config.base_s
        failure: CallError | None = None
        try:
            while True:
                try:
                    return await proceed(operation)
                except CallError as error:
                    failure = error if failure is None else of_both(failure, error)
                    backoff_s = delay_s(operation.attempt, backoff_s, self._config, self._context.random)
                    pause_s = backoff_s + (error.retry_after_s or 0.0)
                    goes_on = self._may_go_on(error, operation) and self._has_time(pause_s, operation)
                if not goes_on:
                    raise failure
                await asyncio.sleep(pause_s)
                operation = replace(operation, attempt=operation.attempt + 1)
        finally:
            del failure  # Breaks the circle of an error, its traceback and the frame in it.

    def _may_go_on(self, error: CallError, operation: Operation) -> bool:
        repeatable = is_retryable(error, operation, non_idempotent=self._config.non_idempotent)
        if not repeatable or not self._accepts_pause(error.retry_after_s):
            self._context.teller.decided("not_retryable", outcome=error.outcome, attempt=operation.attempt)
            return False
        if operation.attempt >= self._config.attempts_max:
            self._context.teller.decided("exhausted", attempt=operation.attempt)
            return False
        return True

    def _accepts_pause(self, retry_after_s: float | None) -> bool:
        """Tell whether the callee's wish can be met; a negative one (or NaN) means: do not come back."""
        return retry_after_s is None or 0 <= retry_after_s <= self._config.retry_after_max_s

    def _has_time(self, pause_s: float, operation: Operation) -> bool:
        now_s = asyncio.get_running_loop().time()
        in_time = operation.deadline_s is None or now_s + pause_s < operation.deadline_s
        decision = "scheduled" if in_time else "no_time"
        self._context.teller.decided(decision, attempt=operation.attempt, delay_s=pause_s)
        return in_time
