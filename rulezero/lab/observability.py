"""Prometheus and Grafana beside a lab, and where its own metrics are served: the same jobs and boards as in containers.

None of this is part of the system under test. It costs CPU that an experiment would rather have, so a run starts it
only where it is asked to.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from rulezero.errors import StorageProblem, UsageProblem
from rulezero.lab import grafana, prometheus, ready
from rulezero.lab.description import ShopDescription
from rulezero.lab.grafana import GrafanaProgram, find_grafana
from rulezero.lab.messages import Start
from rulezero.lab.parts import Parts
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.lab.programs import version_of
from rulezero.lab.prometheus import Target, find_prometheus
from rulezero.lab.threads import to_the_end

PROMETHEUS, GRAFANA = "prometheus", "grafana"
LOADGEN, RUNNER = "loadgen", "runner"
LOADGEN_PORT, RUNNER_PORT = 9646, 9647
_CONFIGURATION = "prometheus.json"
_PROMETHEUS_READY_S = 30.0
_GRAFANA_READY_S = 90.0  # The first start fills its database.


@dataclass(frozen=True, kw_only=True, slots=True)
class Observe:
    """What to start beside a lab.

    `data` is the folder that keeps the samples (default: one that goes away with the lab). Load by hand comes from a
    port that everybody knows, a run's from ports of the lab's own.
    """

    prometheus: Path | None = None
    grafana: GrafanaProgram | None = None
    data: Path | None = None
    by_hand: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Observers:
    """Addresses, "host:port", each empty where there is none.

    At `loadgen` and `runner` those two serve their own metrics during a run; `prometheus` and `grafana` show them.
    `stays` says that they outlive the run, so that a report may link there.
    """

    loadgen: str = ""
    runner: str = ""
    prometheus: str = ""
    grafana: str = ""
    stays: bool = False


NOTHING = Observe()


def what_there_is(environment: Mapping[str, str] = os.environ) -> Observe:
    """Return what the machine has, for load by hand; Grafana has nothing to show without Prometheus."""
    found = find_prometheus(environment)
    return Observe(prometheus=found, grafana=find_grafana(environment) if found else None, by_hand=True)


def for_a_run(data: Path, environment: Mapping[str, str] = os.environ) -> Observe:
    """Return what observes one run whose samples `data` keeps.

    Raises:
        UsageProblem: There is no Prometheus.

    """
    found = find_prometheus(environment)
    if found is None:
        raise UsageProblem(
            f"prometheus is not on PATH; install it, set {prometheus.VARIABLE} to its path, or run without --prometheus"
        )
    return Observe(prometheus=found, grafana=find_grafana(environment), data=data)


class Observability:
    """The observers of one lab; without a Prometheus it does nothing. `folder` is the lab's."""

    def __init__(
        self, description: ShopDescription, parts: Parts, folder: Path, ports: Ports, observe: Observe
    ) -> None:
        self._description = description
        self._parts = parts
        self._folder = folder
        self._observe = observe
        self._ports: dict[str, int] = {}
        if observe.prometheus is not None:
            present = (PROMETHEUS, *((GRAFANA,) if observe.grafana else ()))
            own = () if observe.by_hand else (LOADGEN, RUNNER)
            self._ports = {name: ports.reserve() for name in (*present, *own)}
        if self._ports and observe.by_hand:
            self._ports[LOADGEN] = LOADGEN_PORT

    @property
    def addresses(self) -> Observers:
        """Return where everything is."""
        at = {name: f"{LOOPBACK}:{port}" for name, port in self._ports.items()}
        return Observers(
            loadgen=at.get(LOADGEN, ""),
            runner=at.get(RUNNER, ""),
            prometheus=at.get(PROMETHEUS, ""),
            grafana=at.get(GRAFANA, ""),
        )

    @property
    def versions(self) -> dict[str, str]:
        """Return what runs."""
        programs = {PROMETHEUS: self._observe.prometheus, GRAFANA: getattr(self._observe.grafana, "program", None)}
        return {name: version_of(program) for name, program in programs.items() if program and name in self._ports}

    async def start(self, admin: Mapping[str, str]) -> None:
        """Start what there is and wait until it answers; `admin` has the admin address of each instance.

        Raises:
            Problem: It does not start, or its configuration cannot be written.

        """
        if self._observe.prometheus is not None:
            await self._start_prometheus(self._observe.prometheus, admin)
        if self._observe.grafana is not None:
            await self._start_grafana(self._observe.grafana)

    async def _start_prometheus(self, program: Path, admin: Mapping[str, str]) -> None:
        file, port = self._folder / _CONFIGURATION, self._ports[PROMETHEUS]
        settings = prometheus.configuration(self._description.root, self._targets(admin))
        try:
            await to_the_end(file.write_bytes, msgspec.json.encode(settings))
        except OSError as error:
            raise StorageProblem(f"{file}: {error.strerror}; make room there or set TMPDIR elsewhere") from None
        data = (self._observe.data or self._folder / "samples").absolute()
        await self._parts.start(
            Start(
                name=PROMETHEUS,
                argv=prometheus.server_command(program, file, data, port),
                folder=str(self._folder),
                environment=prometheus.ENVIRONMENT,
            )
        )
        # A run loses what happens before the first scrape; by hand one need not wait for it.
        by_hand = self._observe.by_hand
        probe = ready.answers_with_success(port, "/-/ready") if by_hand else ready.scrapes(port)
        await self._parts.until_ready(PROMETHEUS, probe, _PROMETHEUS_READY_S)

    async def _start_grafana(self, program: GrafanaProgram) -> None:
        port, data = self._ports[GRAFANA], self._folder / GRAFANA
        await to_the_end(partial(data.mkdir, exist_ok=True))
        await self._parts.start(
            Start(
                name=GRAFANA,
                argv=grafana.server_command(program),
                folder=str(self._folder),
                environment=grafana.environment(self._description.root, data, port, self.addresses.prometheus),
            )
        )
        await self._parts.until_ready(GRAFANA, ready.answers_with_success(port, "/api/health"), _GRAFANA_READY_S)

    def _targets(self, admin: Mapping[str, str]) -> Iterator[Target]:
        for service in self._description.services:
            yield Target(service.service or service.name, service.name, admin[service.name])
        for name in (LOADGEN, RUNNER, PROMETHEUS):
            if name in self._ports:
                yield Target(name, name, f"{LOOPBACK}:{self._ports[name]}")
