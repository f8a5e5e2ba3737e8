"""One arm: a fresh system with its defences, the load with the fault in it, and what was observed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from rulezero.collect.machine import MachineSampler
from rulezero.collect.samples import SampleLog
from rulezero.collect.scrape import Scraper
from rulezero.collect.spans import SpanReceiver
from rulezero.errors import Problem
from rulezero.experiment import Arm, Experiment, Load
from rulezero.lab.target import Target
from rulezero.load import Generator, LiveTail, LoadPlan
from rulezero.moment import Progress
from rulezero.runner.annotations import Annotations, Mark
from rulezero.runner.injection import Injector
from rulezero.runner.manifest import plain
from rulezero.runner.part_faults import Parts
from rulezero.runner.prewarm import warm
from rulezero.runner.progress import BREAKER_STATE, PERIOD_S, Watch

TRACES_PER_S = 20
_LEAD_S = 0.3
_GRACE_S = 10.0
_NEWS_S = 1.0
_OVERRIDE_MARGIN_S = 60.0


@dataclass(kw_only=True, slots=True)
class ArmRun:
    """One arm of a run; adds to the manifest what only running can tell."""

    experiment: Experiment
    arm: Arm
    seed: int
    lab: Target
    spans: SpanReceiver
    annotations: Annotations
    folder: Path
    manifest: dict[str, Any]

    async def go(self, progress: Progress, *, left_after_s: float) -> None:
        """Run the arm from a fresh system to its last count; a part that ends by itself ends it early.

        Raises:
            Problem: Something else went wrong.

        """
        try:
            await self._go(progress, left_after_s)
        except Problem:
            await asyncio.sleep(_NEWS_S)  # A part's death may be the reason, and its news may be on the way.
            if not self.lab.exits():
                raise
        finally:
            self.manifest["exits"] += [{"arm": self.arm.name, **_exit(asdict(one))} for one in self.lab.exits()]

    async def _go(self, progress: Progress, left_after_s: float) -> None:
        raw = self.folder / "raw" / self.arm.name
        raw.mkdir()
        await self.lab.reset()
        generator = Generator(
            self._plan(raw),
            locustfile=Path(self.experiment.locustfile),
            plan_path=raw / "plan.json",
            log_path=self.folder / "logs/locust.log",
        )
        await self.lab.start_services(self._environment())
        await self._set_defences()
        if self.experiment.prewarm is not None:
            await warm(self.lab.entry, self.experiment.prewarm)
        async with generator:
            await self._observe(generator, raw, progress, left_after_s)
        # PostgreSQL's backends hand in their statistics when their connections end: counted only now.
        await self.lab.stop_services()
        if not self.lab.exits():
            self.manifest["arms"][-1].update(await self.lab.count())

    async def _observe(self, generator: Generator, raw: Path, progress: Progress, left_after_s: float) -> None:
        loop = asyncio.get_running_loop()
        zero_s = loop.time() + _LEAD_S
        await generator.begin(zero_s)
        began_s = time.time() + zero_s - loop.time()
        self.manifest["arms"][-1]["began_at_s"] = began_s
        marks: list[Mark] = []
        self.spans.begin_arm(raw / "spans.jsonl", zero_s=zero_s, now_s=loop.time())
        log = SampleLog(raw / "metrics.tsv", follow=(BREAKER_STATE,))
        injector = self._injector(log, zero_s)
        tail = LiveTail(raw / "rows.csv")
        watch = Watch(
            progress, tail, self.experiment, arm=self.arm.name, zero_s=zero_s, left_after_s=left_after_s,
            states=log.latest[BREAKER_STATE],
        )  # fmt: skip
        scraper = Scraper(self.lab.metrics_urls, log, zero_s=zero_s)
        longest_s = _LEAD_S + self.experiment.durations.total_s + self._patience_s() + _GRACE_S
        try:
            await during(
                generator.wait(timeout_s=longest_s),
                scraper.run(),
                MachineSampler(lambda: self._processes(generator), log, zero_s=zero_s).run(),
                injector.run(),
                watch.run(),
                self._begin_mark(marks, began_s),
                stop_when=lambda: bool(self.lab.exits()),
            )
        finally:
            self.manifest["faults"] += [{"arm": self.arm.name, **fault} for fault in injector.injected]
            self.manifest["arms"][-1]["missed_scrapes"] = dict(scraper.missed)
            self.spans.end_arm()
            log.close()
            await self._end_marks(marks, began_s, injector)

    async def _begin_mark(self, marks: list[Mark], began_s: float) -> None:
        planned_s = began_s + self.experiment.durations.total_s
        marks.append(await self.annotations.begin("arm", self.arm.name, began_s, planned_s))

    async def _end_marks(self, marks: list[Mark], began_s: float, injector: Injector) -> None:
        ended_s = min(time.time(), began_s + self.experiment.durations.total_s)
        for mark in marks:
            await self.annotations.end(mark, ended_s)
        windows = self.experiment.durations.windows()
        await self.annotations.add_parts(windows, injector.injected, began_s=began_s, ended_s=ended_s)

    def _injector(self, log: SampleLog, zero_s: float) -> Injector:
        windows = {name: (start_s, end_s) for name, start_s, end_s in self.experiment.durations.windows()}
        return Injector(
            faults=self.experiment.faults,
            toxiproxy_api=self.lab.toxiproxy_api,
            cache_address=self.lab.cache_address,
            primary_dsn=self.lab.database_dsn("primary"),
            parts=Parts(self.lab, self._set_defences),
            zero_s=zero_s,
            fault_start_s=windows["fault"][0],
            fault_end_s=windows["fault"][1],
            log=log,
        )

    def _processes(self, generator: Generator) -> dict[str, Sequence[int]]:
        return {
            **self.lab.processes(),
            "runner": [psutil.Process().pid],
            "locust": [generator.pid] if generator.pid else [],
        }

    def _patience_s(self) -> float:
        experiment = self.experiment
        loads: tuple[Load, ...] = (*experiment.streams, *experiment.bursts, *experiment.closed)
        return max(load.deadline_s for load in loads)

    def _environment(self) -> dict[str, dict[str, str]]:
        extra = {
            name: {**self.experiment.services.get(name, {}), **self.arm.services.get(name, {})}
            for name in (*self.experiment.services, *self.arm.services)
        }
        common = {
            "RULEZERO_SEED": str(self.seed),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.lab.endpoint_inside(self.spans.endpoint),
            # An arm is what its experiment says and nothing else: what somebody toggled by hand stays out of it.
            "RULEZERO_DEFENCES_FILE": "",
        }
        return {**extra, "*": {**common, **extra.get("*", {})}}

    async def _set_defences(self, *names: str) -> None:
        """Tell these services the arm's defences, or all when none is named."""
        request: dict[str, Any] = {
            "expires_s": self.experiment.durations.total_s + self._patience_s() + _OVERRIDE_MARGIN_S,
            "preset": self.arm.preset or "none",
            "defences": plain(self.arm.numbers),
        }
        if self.arm.preset is None:
            request["only"] = [*self.experiment.base, *self.arm.defences]
        in_force: dict[str, Any] = {}
        async with aiohttp.ClientSession() as session:
            for instance in names or self.lab.admin_addresses:
                address = self.lab.admin_addresses[instance]
                try:
                    async with session.put(f"http://{address}/admin/defences", json=request) as response:
                        answer = await response.json()
                except (aiohttp.ClientError, TimeoutError) as error:
                    raise Problem(f"arm {self.arm.name}: {instance} did not take its defences: {error}") from None
                if response.status != 200:
                    raise Problem(f"arm {self.arm.name}: {instance} refused its defences: {answer['error']}")
                in_force = {name: one for name, one in answer["defences"].items() if one["enabled"]}
        self.manifest["arms"][-1].update({"defences": sorted(in_force), "in_force": in_force})

    def _plan(self, raw: Path) -> LoadPlan:
        offered_rps = sum(stream.rate_rps for stream in self.experiment.streams)
        metrics_host, _, metrics_port = self.lab.observers.loadgen.rpartition(":")
        return LoadPlan(
            seed=self.seed,
            host=f"http://{self.lab.entry}",
            windows=self.experiment.durations.windows(),
            streams=self.experiment.streams,
            bursts=self.experiment.bursts,
            closed=self.experiment.closed,
            rows_path=str(raw / "rows.csv"),
            generator_path=str(raw / "generator.csv"),
            run_id=f"{self.folder.name}-{self.arm.name}",
            in_flight_max=self.experiment.in_flight_max,
            sample_rate=min(1.0, TRACES_PER_S / offered_rps),
            otlp_endpoint=self.spans.endpoint,
            experiment=self.experiment.name,
            arm=self.arm.name,
            metrics_host=metrics_host,
            metrics_port=int(metrics_port) if metrics_port else None,
        )


async def during(load: Awaitable[None], *watching: Awaitable[None], stop_when: Callable[[], bool]) -> None:
    """Wait for the load while the watchers run; end all of them when it ended, one failed, or there is a reason to.

    A failure soon after which there is a reason to stop is a consequence of that, and not raised.
    """
    main = asyncio.ensure_future(load)
    everything = [main, *(asyncio.ensure_future(one) for one in watching)]
    pending = set(everything)
    try:
        while not main.done() and not stop_when():
            done, pending = await asyncio.wait(pending, timeout=PERIOD_S, return_when=asyncio.FIRST_COMPLETED)
            failures = [error for one in done if (error := one.exception()) is not None]
            if failures and not await _soon(stop_when):
                raise failures[0]
    finally:
        for one in everything:
            one.cancel()
        await asyncio.gather(*everything, return_exceptions=True)


async def _soon(holds: Callable[[], bool]) -> bool:
    if not holds():
        await asyncio.sleep(PERIOD_S)
    return holds()


def _exit(one: dict[str, Any]) -> dict[str, Any]:
    return {"part": one["name"], "status": one["status"], "log_tail": "\n".join(one["log_tail"])}
