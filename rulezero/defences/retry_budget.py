"""Retry budget: extra attempts only in proportion to the first ones.

What: every extra attempt, a retry or a hedge, is paid for or refused; the budget belongs to one client and one
dependency, not to a request. Why: m attempts each turn a short stall into m times the load, which then sustains itself;
with a budget of 20 % the worst is 1.2 times, and the reserve.
Source: Finagle's RetryBudget (https://twitter.github.io/finagle/guide/Clients.html#retries) and gRPC's retry
throttling (https://github.com/grpc/proposal/blob/master/A6-client-retries.md).

Finagle's form bounds the extra load whatever happens; its reserve is per process, so a fleet of many that each ask
little is bounded by the reserve alone. gRPC's form stops extra attempts when too much fails, until something succeeds.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Protocol

from msgspec import Meta

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.defences.rolling_window import RollingSum
from rulezero.outcome import CallError, NotSent, Outcome, outcome_of

_SLICES = 10
_OK = Outcome.OK
_FAILURES = (Outcome.ERROR, Outcome.TIMEOUT, Outcome.REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryBudgetConfig:
    """Finagle's form: `ratio` extra attempts for each first one of the last `ttl_s`, and `reserve_per_s` besides.

    gRPC's form: of `tokens_max`, a failure takes 1 and a success returns `token_ratio`; extra attempts are made only
    while more than half are left.
    """

    form: Literal["finagle", "grpc"] = "finagle"
    ratio: Annotated[float, Meta(gt=0, le=1)] = 0.2
    ttl_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0
    reserve_per_s: Annotated[float, Meta(ge=0, le=100_000)] = 1.0
    tokens_max: Annotated[int, Meta(ge=1, le=1000)] = 10
    token_ratio: Annotated[float, Meta(gt=0, le=1000)] = 0.1


class RetryBudgetEmpty(NotSent):
    """No extra attempt is affordable now: this one was not sent."""


class Budget(Protocol):
    """What both forms can do. Instants come from one clock that never goes back."""

    def deposit(self, now_s: float) -> None:
        """Take note of a first attempt."""

    def affords(self, now_s: float) -> bool:
        """Tell whether an extra attempt would be granted now."""

    def withdraw(self, now_s: float) -> bool:
        """Pay for an extra attempt; False: it must not be made."""

    def settle(self, outcome: Outcome) -> None:
        """Take note of how an attempt ended, a first one or an extra one."""


class RatioBudget:
    """Finagle's: a first attempt deposits a token, an extra one costs 1/ratio; both are forgotten after `ttl_s`."""

    def __init__(self, *, ratio: float, ttl_s: float, reserve_per_s: float) -> None:
        self._cost = 1 / ratio
        self._reserve = reserve_per_s * ttl_s * self._cost
        self._tokens = RollingSum(ttl_s, _SLICES)

    def deposit(self, now_s: float) -> None:
        """Take note of a first attempt."""
        self._tokens.add(1.0, now_s)

    def affords(self, now_s: float) -> bool:
        """Tell whether an extra attempt would be granted now."""
        return self._reserve + self._tokens.total(now_s) >= self._cost

    def withdraw(self, now_s: float) -> bool:
        """Pay for an extra attempt; False: it must not be made."""
        if not self.affords(now_s):
            return False
        self._tokens.add(-self._cost, now_s)
        return True

    def give_back(self, now_s: float) -> None:
        """Undo a withdrawal: the extra attempt was not made after all."""
        self._tokens.add(self._cost, now_s)

    def settle(self, outcome: Outcome) -> None:
        """Do nothing: what is deposited does not depend on success."""


class TokenThrottle:
    """gRPC's: it refills by successes only, never while everything fails."""

    def __init__(self, *, tokens_max: int, token_ratio: float) -> None:
        self.tokens = float(tokens_max)
        self._tokens_max = float(tokens_max)
        self._token_ratio = token_ratio

    def deposit(self, now_s: float) -> None:
        """Do nothing: asking alone pays for nothing."""

    def affords(self, now_s: float) -> bool:  # noqa: ARG002 - the interface's; nothing here depends on time.
        """Tell whether an extra attempt would be granted now."""
        return self.tokens > self._tokens_max / 2

    def withdraw(self, now_s: float) -> bool:
        """Tell whether an extra attempt may be made; it costs nothing unless it fails."""
        return self.affords(now_s)

    def settle(self, outcome: Outcome) -> None:
        """Take a token for what speaks against the callee, return a part of one for a reply."""
        if outcome is _OK:
            self.tokens = min(self.tokens + self._token_ratio, self._tokens_max)
        elif outcome in _FAILURES:
            self.tokens = max(self.tokens - 1, 0.0)


class RetryBudget:
    """Inside retry and hedging, so that both draw on it and nothing extra goes past it."""

    name: ClassVar[str] = "retry_budget"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[RetryBudgetConfig]] = RetryBudgetConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("granted", "exhausted")

    def __init__(self, config: RetryBudgetConfig, context: Context) -> None:
        self._context = context
        self._budget: Budget = (
            RatioBudget(ratio=config.ratio, ttl_s=config.ttl_s, reserve_per_s=config.reserve_per_s)
            if config.form == "finagle"
            else TokenThrottle(tokens_max=config.tokens_max, token_ratio=config.token_ratio)
        )

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or raise `RetryBudgetEmpty` instead of sending an extra attempt."""
        clock = asyncio.get_running_loop().time
        if operation.attempt > 1 or operation.hedge:
            self._withdraw(operation, clock())
        else:
            self._budget.deposit(clock())
        try:
            reply = await proceed(operation)
        except Exception as error:
            self._budget.settle(outcome_of(error))
            self._forbid_what_is_not_affordable(error, clock())
            raise
        self._budget.settle(_OK)
        return reply

    def _withdraw(self, operation: Operation, now_s: float) -> None:
        kind = "hedge" if operation.hedge else "retry"
        if not self._budget.withdraw(now_s):
            self._context.teller.decided("refused", kind=kind)
            raise RetryBudgetEmpty(f"{operation.dependency}: no budget for another attempt")
        self._context.teller.decided("granted", kind=kind)

    def _forbid_what_is_not_affordable(self, error: Exception, now_s: float) -> None:
        # Else a retry would pause first and be refused afterwards.
        if isinstance(error, CallError) and error.retryable and not self._budget.affords(now_s):
            error.retryable = False
            self._context.teller.decided("exhausted")
