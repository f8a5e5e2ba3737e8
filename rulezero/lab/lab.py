"""The lab: real parts and services on loopback, for as long as `async with open_lab(...)` lasts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rulezero.errors import Problem, UsageProblem
from rulezero.lab import contents, directory, postgres, proxies, toxiproxy
from rulezero.lab.contents import PRIMARY, STANDBY
from rulezero.lab.database import Database
from rulezero.lab.description import PROGRAM_PARTS, ShopDescription
from rulezero.lab.exits import PartExit
from rulezero.lab.identity import Identity
from rulezero.lab.links import Link, read_links
from rulezero.lab.messages import Identify
from rulezero.lab.observability import NOTHING, Observability, Observe, Observers
from rulezero.lab.parts import Parts
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.lab.programs import Postgres, find_cache_server, find_postgres, find_queue_server
from rulezero.lab.services import Services
from rulezero.lab.stores import CACHE, QUEUE, Stores
from rulezero.lab.threads import to_the_end
from rulezero.lab.together import together
from rulezero.lab.toxiproxy import TOXIPROXY
from rulezero.toxiproxy.find import find_toxiproxy_server


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that can be found wrong before anything is started."""

    postgres: Postgres
    cache_server: Path
    queue_server: Path | None
    toxiproxy_server: Path | None
    links: tuple[Link, ...]


def make_plan(description: ShopDescription) -> Plan:
    """Find the programs and check the links. Raises UsageProblem."""
    hosts = {*PROGRAM_PARTS, *(service.name for service in description.services)} - {TOXIPROXY}
    required = (description.entry, description.replication_link)
    links = read_links(description.links_path, hosts, required)
    return Plan(
        postgres=find_postgres(),
        cache_server=find_cache_server(),
        queue_server=find_queue_server() if any(link.host == QUEUE for link in links) else None,
        toxiproxy_server=find_toxiproxy_server(),
        links=links,
    )


class Lab:
    """A running lab. Made by `open_lab`."""

    def __init__(
        self,
        description: ShopDescription,
        plan: Plan,
        parts: Parts,
        folder: Path,
        ports: Ports,
        *,
        seed: int,
        observe: Observe,
    ) -> None:
        self._description = description
        self._plan = plan
        self._parts = parts
        self._folder = folder
        self._seed = seed
        self._database = Database(description, plan.postgres, parts, folder)
        self._database.reserve(ports)
        self._services = Services(description, parts, folder, seed)
        self._services.reserve(ports)
        self._stores = Stores(plan.cache_server, plan.queue_server, parts, folder)
        self._stores.reserve(ports)
        self._toxiproxy_port = ports.reserve()
        self._observability = Observability(description, parts, folder, ports, observe)
        self._preloaded: asyncio.Task[None] | None = None
        self.links: dict[str, str] = {}

    @property
    def cache_address(self) -> str:
        """Return where the cache listens, past its links."""
        return self._stores.addresses[CACHE]

    @property
    def queue_address(self) -> str:
        """Return where the queue listens, past its links; empty in a lab without one."""
        return self._stores.addresses.get(QUEUE, "")

    @property
    def toxiproxy_api(self) -> str:
        """Return where Toxiproxy's HTTP API listens."""
        return f"{LOOPBACK}:{self._toxiproxy_port}"

    @property
    def entry(self) -> str:
        """Return where the load goes: the first link."""
        return self.links[self._description.entry]

    @property
    def admin_addresses(self) -> dict[str, str]:
        """Return the admin address of each service instance."""
        return self._services.admin_addresses()

    @property
    def metrics_urls(self) -> dict[str, str]:
        """Return where each service instance tells its metrics."""
        return {name: f"http://{address}/metrics" for name, address in self.admin_addresses.items()}

    def database_dsn(self, role: str) -> str:
        """Return how to connect to the "primary" or the "standby", past the links."""
        return postgres.dsn(f"{LOOPBACK}:{self._database.ports[role]}", self._description.database)

    @property
    def observers(self) -> Observers:
        """Return what observes the lab, and where a run is to serve its own metrics."""
        return self._observability.addresses

    @property
    def listen_host(self) -> str:
        """Return where this process serves what the services are to reach."""
        return LOOPBACK

    @property
    def traces(self) -> str:
        """Return no endpoint: nobody but the record keeps the spans."""
        return ""

    def endpoint_inside(self, endpoint: str) -> str:
        """Return what the services know an address of this process as."""
        return endpoint

    async def start_services(self, environment: Mapping[str, Mapping[str, str]]) -> None:
        """Start every service afresh and wait until all are healthy.

        `environment` adds variables per instance; those of "*" go to all. Raises Problem with what a service that
        does not start said last.
        """
        await self.stop_services()
        if self._preloaded is not None:
            await self._preloaded
        await self._services.start(self.links, environment)

    async def stop_services(self) -> None:
        """End the services; their ports stay theirs."""
        await self._services.stop()

    async def reset(self) -> None:
        """Return to the state after the start: no toxics, empty mutable tables, cache and queue, zero statistics."""
        await to_the_end(proxies.reset, proxies.connect(self._toxiproxy_port))
        await together(self._database.reset(), self._stores.empty())

    @property
    def versions(self) -> dict[str, str]:
        """Return what the programs of the lab are."""
        own = find_toxiproxy_server()
        other = {"postgresql": self._plan.postgres.version, "toxiproxy": "embedded" if own is None else str(own)}
        return {**other, **self._stores.versions, **self._observability.versions}

    async def count(self) -> dict[str, Any]:
        """Return what PostgreSQL counted since the last reset: `origin_total`, over both servers, and the `ledger`.

        Complete only while no service runs, because connections hand in their statistics when they end.
        """
        return await contents.count(self._description, self._database.ports)

    def processes(self) -> dict[str, list[int]]:
        """Return the process ids of every living part, children included, for sampling CPU time and memory."""
        return self._parts.processes()

    def exits(self) -> list[PartExit]:
        """Return the parts that ended though nobody asked."""
        return self._parts.exits()

    async def kill(self, name: str) -> None:
        """End a part with SIGKILL, on purpose."""
        await self._parts.kill(name)

    async def start_again(self, name: str) -> None:
        """Start a part that was killed, as it was started before, and wait until it is ready.

        Nothing happens to one that runs. Raises Problem; UsageProblem for Toxiproxy, whose links went with it.
        """
        if self._parts.lives(name):
            return
        if name in self._services.ports:
            await self._services.start_again(name)
        elif name == PRIMARY:
            await self._database.start(PRIMARY)
        elif name == STANDBY:
            await self._database.start(STANDBY, upstream=self.links[self._description.replication_link])
        elif name in self._stores.addresses:
            await self._stores.start(name)
        else:
            raise UsageProblem(f"{name} cannot be started again; kill a service, a database, {CACHE} or {QUEUE}")

    async def pause(self, name: str) -> None:
        """Stop a part from running, its children too; connections to it stay open and hang."""
        await self._parts.pause(name)

    async def resume(self, name: str) -> None:
        """Let a paused part go on."""
        await self._parts.resume(name)

    async def start_programs(self, *, entry_port: int) -> None:
        """Start the programs and the links; the services' modules go on being imported after that."""
        identity = (await self._parts.control.ask(Identify())).identity or Identity()
        await together(self._stores.start_all(), self._start_toxiproxy(entry_port), self._start_primary(identity))
        # Its first step comes after the standby's first, so importing does not delay the standby.
        self._preloaded = asyncio.create_task(self._services.preload())
        await self._database.start(STANDBY, upstream=self.links[self._description.replication_link])
        await self._observability.start(self.admin_addresses)

    async def close(self) -> None:
        """End the services in order; the programs need no order."""
        if self._preloaded is not None:
            self._preloaded.cancel()
            await asyncio.gather(self._preloaded, return_exceptions=True)
        with contextlib.suppress(Problem):  # A dead keeper has ended them already.
            await self.stop_services()

    async def _start_primary(self, identity: Identity) -> None:
        await self._database.prepare(identity)
        await self._database.start(PRIMARY)

    async def _start_toxiproxy(self, entry_port: int) -> None:
        await toxiproxy.start(
            self._parts, self._plan.toxiproxy_server, self._toxiproxy_port, seed=self._seed, folder=self._folder
        )
        upstreams = {
            **self._services.addresses(),
            **{name: f"{LOOPBACK}:{port}" for name, port in self._database.ports.items()},
            **self._stores.addresses,
        }
        listen = {self._description.entry: f"{LOOPBACK}:{entry_port}"}
        client = proxies.connect(self._toxiproxy_port)
        self.links = await to_the_end(proxies.create_links, client, self._plan.links, upstreams, listen)


@contextlib.asynccontextmanager
async def open_lab(
    description: ShopDescription, *, logs: Path, seed: int = 0, entry_port: int = 0, observe: Observe = NOTHING
) -> AsyncIterator[Lab]:
    """Start the programs of a lab (not yet the services) and end everything at the end, whatever that is.

    `logs` gets one file per part. The entry listens on `entry_port`, or on any free port; `observe` says what is
    started beside it. One lab at a time in a process: the Toxiproxy client knows one server. Raises Problem: something
    is missing, malformed, busy, full, or does not start.
    """
    plan = make_plan(description)
    proxies.reach_loopback_directly()  # Before the keeper, which passes its environment on.
    async with contextlib.AsyncExitStack() as stack:
        await to_the_end(directory.sweep)
        folder = directory.create()
        stack.callback(directory.remove, folder)
        ports = stack.enter_context(contextlib.closing(Ports()))
        if entry_port:
            ports.reserve(entry_port)
        parts = Parts(folder, logs)
        await parts.open(description.root)
        stack.push_async_callback(parts.close)
        lab = Lab(description, plan, parts, folder, ports, seed=seed, observe=observe)
        stack.push_async_callback(lab.close)
        await lab.start_programs(entry_port=entry_port)
        yield lab
