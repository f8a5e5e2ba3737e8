"""The containers of compose.yaml as the system that an experiment measures: the interface of `lab.Lab`.

They must be up (`make up`) and stay up. For each arm the services are made anew with the arm's environment; at the end
they are put back as compose.yaml has them. What watches is the stack's own Prometheus, Tempo and Grafana.
"""

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from rulezero.errors import Problem, UsageProblem
from rulezero.lab import contents, postgres, proxies, ready
from rulezero.lab.compose_file import ADMIN_PORT, ComposeFile, command, read_compose_file
from rulezero.lab.containers import Containers, states
from rulezero.lab.contents import PRIMARY, STANDBY
from rulezero.lab.description import PROGRAM_PARTS, ShopDescription
from rulezero.lab.docker import docker
from rulezero.lab.exits import PartExit
from rulezero.lab.links import read_links
from rulezero.lab.lock import holder, locked
from rulezero.lab.observability import GRAFANA, LOADGEN_PORT, PROMETHEUS, RUNNER_PORT, Observers
from rulezero.lab.ports import LOOPBACK
from rulezero.lab.services import EVERY
from rulezero.lab.stores import CACHE, QUEUE, empty_stores
from rulezero.lab.threads import to_the_end
from rulezero.lab.together import together

TOXIPROXY, TEMPO, LOCUST = "toxiproxy", "tempo", "locust"
HOST_INSIDE = "host.docker.internal"
START_TIMEOUT_S = 60.0
TAKEN = "another run has the containers; wait for its end"
_STOP_GRACE_S = 3
_PORTS = {TOXIPROXY: 8474, CACHE: 6379, QUEUE: 4222, PRIMARY: 5432, STANDBY: 5432, PROMETHEUS: 9090, GRAFANA: 3000}
_OTLP_PORT = 4318


class ComposeLab:
    """The running containers. Made by `open_compose`; `host` is where they reach this machine."""

    def __init__(
        self, description: ShopDescription, file: ComposeFile, containers: Containers, *, host: str, folder: Path
    ) -> None:
        self._description = description
        self._file = file
        self._containers = containers
        self._host = host
        self._override = folder / "override.json"
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._names = [service.name for service in description.services]
        self._entry_port = _entry_port(description)
        self._engine, self._image = "", ""

    @property
    def entry(self) -> str:
        """Return where the load goes: the first link."""
        return self._file.address(TOXIPROXY, self._entry_port)

    @property
    def toxiproxy_api(self) -> str:
        """Return where Toxiproxy's HTTP API listens."""
        return self._address(TOXIPROXY)

    @property
    def cache_address(self) -> str:
        """Return where the cache listens, past its links."""
        return self._address(CACHE)

    @property
    def admin_addresses(self) -> dict[str, str]:
        """Return the admin address of each service instance."""
        return {name: self._file.address(name, ADMIN_PORT) for name in self._names}

    @property
    def metrics_urls(self) -> dict[str, str]:
        """Return where each service instance tells its metrics."""
        return {name: f"http://{address}/metrics" for name, address in self.admin_addresses.items()}

    @property
    def observers(self) -> Observers:
        """Return what watches, and where it expects the metrics of a run."""
        return Observers(
            loadgen=f"{self._host}:{LOADGEN_PORT}",
            runner=f"{self._host}:{RUNNER_PORT}",
            prometheus=self._address(PROMETHEUS),
            grafana=self._address(GRAFANA),
            stays=True,
        )

    @property
    def versions(self) -> dict[str, str]:
        """Return the images, the engine, and which build of our own image the services run."""
        names = {"postgresql": PRIMARY, **{name: name for name in (CACHE, QUEUE, TOXIPROXY, PROMETHEUS, GRAFANA)}}
        own = {"docker": self._engine, "services": self._image}
        return {**own, **{key: self._file.services[name].image for key, name in names.items()}}

    @property
    def listen_host(self) -> str:
        """Return where this process serves what containers are to reach."""
        return self._host

    @property
    def traces(self) -> str:
        """Return where Tempo takes spans."""
        return f"http://{self._file.address(TEMPO, _OTLP_PORT)}"

    def endpoint_inside(self, endpoint: str) -> str:
        """Return what a container knows an address of this process as."""
        return f"http://{HOST_INSIDE}:{urlsplit(endpoint).port}"

    def database_dsn(self, role: str) -> str:
        """Return how to connect to the "primary" or the "standby", past the links."""
        return postgres.dsn(self._address(role), self._description.database)

    def processes(self) -> dict[str, list[int]]:
        """Return the process ids of every living part that is not the load generator of the page."""
        return {name: pids for name, pids in self._containers.processes().items() if name != LOCUST}

    def exits(self) -> list[PartExit]:
        """Return the parts that ended though nobody asked."""
        return self._containers.exits()

    async def start_services(self, environment: Mapping[str, Mapping[str, str]]) -> None:
        """Make every service anew and wait until all are healthy.

        `environment` adds variables per instance; those of "*" go to all. Raises Problem.
        """
        for name in environment:
            if name not in (EVERY, *self._names):
                raise UsageProblem(f"there is no service `{name}`; there are {', '.join(sorted(self._names))}")
        common = environment.get(EVERY, {})
        # Docker's own health checks start a process each; here the admin port is asked instead.
        services = {
            name: {"environment": {**common, **environment.get(name, {})}, "healthcheck": {"disable": True}}
            for name in self._names
        }
        await to_the_end(self._override.write_text, json.dumps({"services": services}), encoding="utf-8")
        self._containers.expect_end(self._names)
        options = ("--detach", "--no-deps", "--force-recreate", "--no-build", "--timeout", str(_STOP_GRACE_S))
        await docker(*self._compose("--file", str(self._override), "up", *options, *self._names))
        await self._containers.look()
        await together(*(self._until_ready(name) for name in self._names))

    async def stop_services(self) -> None:
        """End the services; what they said goes to the logs of the run."""
        living = [name for name in self._names if self._containers.lives(name)]
        if not living:
            return
        self._containers.expect_end(living)
        await docker(*self._compose("stop", "--timeout", str(_STOP_GRACE_S), *living))
        await self._containers.keep_logs(living, self._since)
        await self._containers.look()

    async def reset(self) -> None:
        """Return to the state after the start: no toxics, empty mutable tables, cache and queue, zero statistics."""
        await to_the_end(proxies.reset, proxies.connect(self._port(TOXIPROXY)))
        await contents.empty(self._description, self._database_ports())
        await empty_stores({name: self._port(name) for name in (CACHE, QUEUE)})

    async def count(self) -> dict[str, Any]:
        """Return what PostgreSQL counted since the last reset; complete only while no service runs."""
        return await contents.count(self._description, self._database_ports())

    async def kill(self, name: str) -> None:
        """End a container with SIGKILL, on purpose."""
        await self._containers.kill(name)

    async def start_again(self, name: str) -> None:
        """Start one that was killed, as it was, and wait until it is ready. Nothing happens to one that runs."""
        if not self._containers.lives(name):
            await self._containers.start(name)
            await self._until_ready(name)

    async def begin(self) -> None:
        """Stop what would load or use the system beside the run. Raises Problem."""
        self._engine = (await docker("version", "--format", "{{.Server.Version}}")).strip()
        image = self._file.services[self._names[0]].image
        self._image = (await docker("image", "inspect", "--format", "{{.Id}} of {{.Created}}", image)).strip()
        self._containers.expect_end((LOCUST, *self._names))
        await docker(*self._compose("stop", "--timeout", str(_STOP_GRACE_S), LOCUST, *self._names))
        await self._containers.look()

    async def put_back(self) -> None:
        """Keep the logs, and leave services and links as compose.yaml has them. Raises Problem."""
        with contextlib.suppress(Problem):
            await to_the_end(proxies.reset, proxies.connect(self._port(TOXIPROXY)))
        with contextlib.suppress(Problem):
            await self.stop_services()
        programs = [name for name in self._file.services if name not in (LOCUST, *self._names)]
        with contextlib.suppress(Problem):
            await self._containers.keep_logs(programs, self._since)
        self._containers.expect_end((LOCUST, *self._names))
        await docker(*self._compose("up", "--detach", "--no-deps", "--no-build", LOCUST, *self._names))

    async def _until_ready(self, name: str) -> None:
        probe = self._probe(name)

        async def living() -> bool:
            self._containers.require(name)
            return await probe()

        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await ready.until(living)
        except TimeoutError:
            await self._containers.keep_logs([name], self._since)
            log = self._containers.log(name)
            raise Problem(f"{name} did not start: not ready after {START_TIMEOUT_S:g} s; see {log}") from None

    def _probe(self, name: str) -> ready.Probe:
        if name in self._names:
            return ready.answers_health(self._file.port(name, ADMIN_PORT))
        if name in (PRIMARY, STANDBY):
            return ready.answers_postgres(self._port(name), postgres.USER, self._description.database)
        if name == QUEUE:
            return ready.answers_nats(self._port(name))
        return ready.answers_ping(self._port(name)) if name == CACHE else ready.accepts(self._port(name))

    def _compose(self, *arguments: str) -> list[str]:
        return command(self._description.root, *arguments)

    def _address(self, name: str) -> str:
        return self._file.address(name, _PORTS[name])

    def _port(self, name: str) -> int:
        return self._file.port(name, _PORTS[name])

    def _database_ports(self) -> dict[str, int]:
        return {name: self._port(name) for name in (PRIMARY, STANDBY)}


async def require_containers(description: ShopDescription) -> ComposeFile:
    """Return what compose.yaml says. Raises Problem; UsageProblem when something that a run needs is not up."""
    file = await read_compose_file(description)
    found = await states(file.name)
    needed = (*PROGRAM_PARTS, *(service.name for service in description.services))
    if down := [name for name in needed if found.get(name) != "running"]:
        if holder(_lock(file)) is not None:
            raise UsageProblem(TAKEN)
        raise UsageProblem(f"containers are not up: {', '.join(down)}; start them with `make up`")
    return file


async def host_for_containers(description: ShopDescription) -> str:
    """Return the address of this machine that containers reach as host.docker.internal. Raises Problem.

    Docker writes it into their /etc/hosts. An engine in a virtual machine writes an address of its own there, which
    leads to this machine's loopback.
    """
    told = await docker(*command(description.root, "exec", "-T", description.services[0].name, "cat", "/etc/hosts"))
    gateways = [line.split()[0] for line in told.splitlines() if HOST_INSIDE in line.split()[1:]]
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    return next((gateway for gateway in gateways if gateway in own), LOOPBACK)


def _lock(file: ComposeFile) -> Path:
    return Path(tempfile.gettempdir()) / f"rulezero-{file.name}-{os.getuid()}.lock"


def _entry_port(description: ShopDescription) -> int:
    hosts = {*PROGRAM_PARTS, *(service.name for service in description.services)}
    links = {link.name: link for link in read_links(description.links_path, hosts)}
    return int(links[description.entry].listen.rpartition(":")[2])


@contextlib.asynccontextmanager
async def open_compose(description: ShopDescription, *, logs: Path) -> AsyncIterator[ComposeLab]:
    """Use the containers that are up, for as long as this lasts. `logs` gets one file per part.

    Raises:
        UsageProblem: There is no Docker, or a container is not up.
        Problem: Docker refused something.

    """
    proxies.reach_loopback_directly()
    file = await require_containers(description)
    host = await host_for_containers(description)
    containers = Containers(file.name, logs, pids=host != LOOPBACK)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rulezero-")))
        # The services are the run's from here on: one more run would take them from under this one.
        stack.enter_context(locked(_lock(file), TAKEN))
        stack.push_async_callback(containers.close)
        await containers.open()
        lab = ComposeLab(description, file, containers, host=host, folder=folder)
        stack.push_async_callback(lab.put_back)
        await lab.begin()
        yield lab
