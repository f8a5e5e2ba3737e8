"""Hedging: when an answer is late, ask a second time and take whichever comes first.

What: after a delay that all but a small share of calls beat, one copy goes out, to another link. Why: the slowest calls
are mostly slow by accident of where they went, and a page that needs many calls meets that often.
Source: Dean and Barroso, "The Tail at Scale"; the delay, a percentile of recent latencies, with a budget without
reserve beside it, is that of Finagle's BackupRequestFilter.

What has no other link is not hedged: its copy would only take another connection to where the call is slow.

The first reply wins. A first attempt that fails before the delay is not hedged but raised: hedging is against
slowness, and failures are for retry, which waits in between. Once a copy is out, an error counts only if both fail.

The first attempt runs in a task of its own, as long as it may have to be left behind: were it the caller's, a copy
that won would have to wait until the loser has cleaned up. Nobody waits for losers.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family
from rulezero.defences.latency_window import LatencyWindow
from rulezero.defences.retry_budget import RatioBudget
from rulezero.outcome import CallError, NotSent, TimedOut, of_both

_LOSERS_MAX = 1000
_SLICES_MAX = 100
_BUDGET_TTL_S = 30.0

Task = asyncio.Task[Any]
Seconds = Annotated[float, Meta(gt=0, le=3600)]


@dataclass(frozen=True, kw_only=True, slots=True)
class HedgingConfig:
    """At most a share `extra_load_max` of the calls of the last half minute is sent twice; 1: as many as are late.

    A copy goes out after `delay_s`; None: after the time within which all but `extra_load_max` of the calls of the last
    `window_s` were answered, looked up every `refresh_s` and never less than `delay_min_s`. With fewer than
    `samples_min` of them, at the start too, no copy goes out. A share of 1 needs `delay_s`.
    """

    extra_load_max: Annotated[float, Meta(gt=0, le=1)] = 0.05
    delay_s: Seconds | None = None
    delay_min_s: Seconds = 0.001
    window_s: Seconds = 15.0
    refresh_s: Seconds = 3.0
    samples_min: Annotated[int, Meta(ge=1, le=1_000_000)] = 100

    def __post_init__(self) -> None:
        """Refuse what is allowed key by key but not together."""
        if not self.refresh_s <= self.window_s <= _SLICES_MAX * self.refresh_s:
            raise ValueError(f"refresh_s: must be between a {_SLICES_MAX}th of window_s and window_s; change either")
        if self.extra_load_max == 1 and self.delay_s is None:
            raise ValueError(
                "extra_load_max: 1 learns no delay, every call would be sent twice; set delay_s, or lower it"
            )


class Delay:
    """When the copy goes out: what was recorded and instants in, seconds out; no clock."""

    def __init__(self, config: HedgingConfig) -> None:
        self._config = config
        self._window = LatencyWindow(config.window_s, round(config.window_s / config.refresh_s))
        self._refreshes_s = 0.0
        self._seconds = config.delay_s

    def seconds(self, now_s: float) -> float | None:
        """Return the delay that holds now; None: too little is known."""
        config = self._config
        if config.delay_s is None and now_s >= self._refreshes_s:
            self._refreshes_s = now_s + config.refresh_s
            share = 1 - config.extra_load_max
            found_s = self._window.percentile(share, now_s, samples_min=config.samples_min)
            self._seconds = None if found_s is None else max(found_s, config.delay_min_s)
        return self._seconds

    def record(self, latency_s: float, now_s: float, *, ended: bool) -> None:
        """Take how long a first attempt took; not `ended`: it was not waited for any longer."""
        if self._config.delay_s is None:
            self._window.record(latency_s, now_s, ended=ended)


class Hedging:
    """Inside retry, so that each attempt can be hedged; outside the budget, which pays for copies too."""

    name: ClassVar[str] = "hedging"
    family: ClassVar[Family] = "call"
    config_type: ClassVar[type[HedgingConfig]] = HedgingConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ("budget_empty", "copy_refused")

    def __init__(self, config: HedgingConfig, context: Context) -> None:
        self._context = context
        self._delay = Delay(config)
        self._unbounded = config.extra_load_max == 1
        self._budget = RatioBudget(ratio=config.extra_load_max, ttl_s=_BUDGET_TTL_S, reserve_per_s=0.0)
        # The loop keeps no strong reference to a task, and a loser may take a while to end.
        self._losers: set[Task] = set()

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the first reply; when both copies fail, raise the later error (but see `outcome.of_both`)."""
        if not operation.idempotent or not operation.elsewhere or operation.hedge:
            return await proceed(operation)
        now_s = asyncio.get_running_loop().time()
        if operation.attempt == 1:
            self._budget.deposit(now_s)
        delay_s = self._delay.seconds(now_s)
        if delay_s is None or len(self._losers) >= _LOSERS_MAX:
            return await self._timed(operation, proceed)
        copies = [asyncio.create_task(self._timed(operation, proceed))]
        try:
            if await _ends_within(copies[0], delay_s):
                return copies[0].result()
            if not self._may_hedge(delay_s):
                await asyncio.wait(copies)
                return copies[0].result()
            copies.append(asyncio.create_task(self._copy(replace(operation, hedge=True), proceed)))
            return await self._first_reply(copies[0], copies[1], delay_s)
        finally:
            self._leave(copies)

    async def _timed(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply and record the time, also of what was given up: failures do not tell what replies take."""
        start_s = asyncio.get_running_loop().time()
        try:
            reply = await proceed(operation)
        except (TimedOut, asyncio.CancelledError):
            self._record(start_s, ended=False)
            raise
        self._record(start_s, ended=True)
        return reply

    def _record(self, start_s: float, *, ended: bool) -> None:
        now_s = asyncio.get_running_loop().time()
        self._delay.record(now_s - start_s, now_s, ended=ended)

    def _may_hedge(self, delay_s: float) -> bool:
        affordable = self._unbounded or self._budget.withdraw(asyncio.get_running_loop().time())
        if not affordable:
            self._context.teller.decided("budget_empty", delay_s=delay_s)
        return affordable

    async def _copy(self, operation: Operation, proceed: Proceed) -> Any:
        try:
            return await proceed(operation)
        except NotSent:
            self._budget.give_back(asyncio.get_running_loop().time())
            self._context.teller.decided("copy_refused")
            raise

    async def _first_reply(self, primary: Task, hedge: Task, delay_s: float) -> Any:
        try:
            await asyncio.wait({primary, hedge}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Told only now: a copy that is refused is so at once as a rule.
            if not _is_refused(hedge):
                self._context.teller.decided("hedged", delay_s=delay_s)
        first, second = (primary, hedge) if primary.done() else (hedge, primary)
        winner = first
        try:
            reply = first.result()
        except CallError as failure:
            reply = await self._second_reply(second, failure)
            winner = second
        if not _is_refused(hedge):
            self._context.teller.decided("hedge_won" if winner is hedge else "primary_won")
        return reply

    async def _second_reply(self, copy: Task, failure: CallError) -> Any:
        await asyncio.wait({copy})
        try:
            return copy.result()
        except CallError as error:
            if not isinstance(failure, NotSent) and not isinstance(error, NotSent):
                self._context.teller.decided("both_failed")
            raise of_both(failure, error) from None

    def _leave(self, copies: list[Task]) -> None:
        for copy in copies:
            if not copy.done():
                copy.cancel()
                self._losers.add(copy)
                copy.add_done_callback(self._ended)
            else:
                _look_at(copy)
        copies.clear()  # Breaks the circle of an error, its traceback, the frame in it and the task.

    def _ended(self, loser: Task) -> None:
        self._losers.discard(loser)
        _look_at(loser)


def _is_refused(copy: Task) -> bool:
    return copy.done() and not copy.cancelled() and isinstance(copy.exception(), NotSent)


async def _ends_within(task: Task, seconds: float) -> bool:
    """Tell whether a task ends in time, and leave it alone: `asyncio.wait` does the same for twice the cost."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not woken.done():
            woken.set_result(None)

    timer = loop.call_later(seconds, wake)
    task.add_done_callback(wake)
    try:
        await woken
    finally:
        timer.cancel()
        task.remove_done_callback(wake)
    return task.done()


def _look_at(task: Task) -> None:
    """Take note of a task's error, so that asyncio does not report one that nobody waited for."""
    if not task.cancelled():
        task.exception()
