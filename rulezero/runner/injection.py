"""Puts an arm's faults in place at their instants and takes them away again, also when the run ends early."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rulezero.collect.samples import SampleLog
from rulezero.errors import Problem
from rulezero.faults import CacheExpiry, CacheFlush, Fault, Kill, Statement, Toxic
from rulezero.lab.threads import to_the_end
from rulezero.runner import cache_faults, database_faults, toxic_faults
from rulezero.runner.part_faults import Parts
from rulezero.telemetry.faults import FaultSeries

_PERIOD_S = 1.0
_SEEN_S = 1.5  # So long what is over at once is shown: a scrape a second must see it.

Act = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Injector:
    """Applies the faults of one arm.

    Args:
        faults: Times in them count from the start of the fault phase.
        toxiproxy_api: "host:port" of the proxy's API.
        cache_address: "host:port" of the cache itself, not of its link.
        primary_dsn: How to connect to the primary itself.
        parts: Who kills parts and starts them again.
        zero_s: Time 0 of the arm on the event loop's clock.
        fault_start_s, fault_end_s: The fault phase, in seconds since time 0.

    """

    faults: Sequence[Fault]
    toxiproxy_api: str
    cache_address: str
    primary_dsn: str
    parts: Parts
    zero_s: float
    fault_start_s: float
    fault_end_s: float
    log: SampleLog
    injected: list[dict[str, Any]] = field(default_factory=list)
    _active: set[FaultSeries] = field(default_factory=set)

    async def run(self) -> None:
        """Apply every fault in time, take all of them away, and return when the last one is over."""
        series = [series_of(fault, number) for number, fault in enumerate(self.faults, 1)]
        for one in series:
            one.show(0)
        pairs = zip(self.faults, series, strict=True)
        applying = [asyncio.create_task(self._inject(fault, one)) for fault, one in pairs]
        telling = asyncio.create_task(self._tell())
        try:
            await asyncio.gather(*applying)
        finally:
            for task in (*applying, telling):
                task.cancel()
            await asyncio.gather(*applying, telling, return_exceptions=True)

    async def _inject(self, fault: Fault, series: FaultSeries) -> None:
        if isinstance(fault, Toxic):
            await self._toxic(fault, series)
        elif isinstance(fault, CacheExpiry):
            await self._expiry(fault, series)
        elif isinstance(fault, Kill):
            await self._kill(fault, series)
        elif isinstance(fault, CacheFlush):
            await self._flush(fault, series)
        else:
            await self._statement(fault, series)

    async def _toxic(self, toxic: Toxic, series: FaultSeries) -> None:
        end_s = self.fault_end_s if toxic.for_s is None else self.fault_start_s + toxic.at_s + toxic.for_s
        await self._until(self.fault_start_s + toxic.at_s)
        await self._lasting(
            toxic.text,
            "toxic",
            series,
            end_s,
            apply=lambda: to_the_end(toxic_faults.add, self.toxiproxy_api, toxic, series.toxic),
            revert=lambda: to_the_end(toxic_faults.remove, self.toxiproxy_api, toxic, series.toxic),
        )

    async def _statement(self, fault: Statement, series: FaultSeries) -> None:
        await self._until(self.fault_start_s)
        await self._lasting(
            fault.text,
            "statement",
            series,
            self.fault_end_s,
            apply=lambda: to_the_end(database_faults.execute, self.primary_dsn, fault.apply_sql, fault.text),
            revert=lambda: to_the_end(database_faults.execute, self.primary_dsn, fault.revert_sql, fault.text),
        )

    async def _kill(self, fault: Kill, series: FaultSeries) -> None:
        await self._until(self.fault_start_s + fault.at_s)
        await self._lasting(
            fault.text,
            "kill",
            series,
            self.fault_start_s + fault.at_s + fault.for_s,
            apply=lambda: self.parts.kill(fault.part),
            revert=lambda: self.parts.start_again(fault.part),
        )

    async def _lasting(
        self, text: str, kind: str, series: FaultSeries, end_s: float, *, apply: Act, revert: Act
    ) -> None:
        noted: dict[str, Any] = {}
        try:
            await apply()
            noted = self._note(text, kind)
            noted["at"] = series.proxy
            self._active.add(series)
            series.show(1)
            await self._until(end_s)
            # A fault that stays would spoil what comes after it, so here a refusal counts.
            await revert()
        except (asyncio.CancelledError, Problem):
            with suppress(Problem):  # It may have taken effect although nobody said so.
                await revert()
            raise
        finally:
            if noted:
                self._active.discard(series)
                series.show(0)
                self._mark(series, 0)
                noted["end_s"] = self._now_s()

    async def _expiry(self, expiry: CacheExpiry, series: FaultSeries) -> None:
        for at_s in expiry.at_s:
            await self._until(self.fault_start_s + at_s - expiry.lead_s)
            await cache_faults.expire(self.cache_address, expiry.key, lead_s=expiry.lead_s)
            await self._until(self.fault_start_s + at_s)
            self._note(f"{expiry.key} expires", "expiry")
            _flash(series)

    async def _flush(self, fault: CacheFlush, series: FaultSeries) -> None:
        await self._until(self.fault_start_s + fault.at_s)
        await cache_faults.flush(self.cache_address)
        self._note(fault.text, "flush")
        _flash(series)

    async def _tell(self) -> None:
        """Export which lasting faults are active, on the clock of every other metric."""
        while True:
            for series in self._active:
                self._mark(series, 1)
            await asyncio.sleep(_PERIOD_S)

    def _mark(self, series: FaultSeries, value: float) -> None:
        self.log.sample(self._now_s(), "machine", "toxic_active", series.labels, value)

    def _note(self, text: str, kind: str) -> dict[str, Any]:
        noted = {"text": text, "kind": kind, "start_s": self._now_s(), "end_s": None}
        self.injected.append(noted)
        return noted

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time() - self.zero_s

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(self.zero_s + at_s - asyncio.get_running_loop().time())


def series_of(fault: Fault, number: int) -> FaultSeries:
    """Return how the fault of this number shows in the metrics."""
    if isinstance(fault, Toxic):
        return FaultSeries(fault.link, f"rulezero_{number}_{fault.type}_{fault.stream}", fault.type, fault.stream)
    if isinstance(fault, Statement):
        return FaultSeries("primary", f"rulezero_{number}_statement", "statement")
    if isinstance(fault, Kill):
        return FaultSeries(fault.part, f"rulezero_{number}_kill", "kill")
    kind = "expiry" if isinstance(fault, CacheExpiry) else "flush"
    return FaultSeries("cache", f"rulezero_{number}_{kind}", kind)


def _flash(series: FaultSeries) -> None:
    """Show a fault that is over at once."""
    series.show(1)
    asyncio.get_running_loop().call_later(_SEEN_S, series.show, 0)
