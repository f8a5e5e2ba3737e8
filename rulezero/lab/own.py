"""The lab around somebody's own service: Toxiproxy, the links, and the service's processes where it has any."""

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from rulezero.errors import Problem, UsageProblem
from rulezero.lab import directory, proxies, ready, toxiproxy
from rulezero.lab.exits import PartExit
from rulezero.lab.links import Link
from rulezero.lab.messages import Start
from rulezero.lab.observability import Observers
from rulezero.lab.parts import Parts
from rulezero.lab.ports import LOOPBACK, Ports, is_free
from rulezero.lab.services import EVERY
from rulezero.lab.threads import to_the_end
from rulezero.own_system import TARGET, TOXIPROXY, USERS, OwnSystem, Process
from rulezero.toxiproxy.find import find_toxiproxy_server

START_TIMEOUT_S = 30.0
PLACE = re.compile(r"\{hops\.([^{}]*)\}")
INTERPRETER = "{python}"
_STOP_GRACE_S = 3.0
_ANSWER_OK = re.compile(r"HTTP/1\.[01] 200")
_ANSWER_TIMEOUT_S = 1.9  # Less than `ready.until` gives, so that the probe can tell of it.
_ANSWER_CHARACTERS_MAX = 80


class OwnLab:
    """It runs. Made by `open_own`; `lab.target.Target` and `lab.lab.Lab` say what each of these does."""

    cache_address = ""
    listen_host = LOOPBACK
    traces = ""
    observers = Observers()

    def __init__(self, system: OwnSystem, parts: Parts, folder: Path, ports: Ports, *, seed: int) -> None:
        self._system = system
        self._parts = parts
        self._folder = folder
        self._seed = seed
        self._server = find_toxiproxy_server()
        self._toxiproxy_port = ports.reserve()
        for hop in system.hops:
            if hop.listen:
                ports.reserve(_port(hop.listen))
        self.links: dict[str, str] = {}

    @property
    def entry(self) -> str:
        """Return where the load goes: the link to the service."""
        return self.links[USERS]

    @property
    def toxiproxy_api(self) -> str:
        """Return where Toxiproxy's HTTP API listens."""
        return f"{LOOPBACK}:{self._toxiproxy_port}"

    @property
    def admin_addresses(self) -> dict[str, str]:
        """Return none: the service's defences are its own, and an arm sets them by its environment."""
        return {}

    @property
    def metrics_urls(self) -> dict[str, str]:
        """Return where Toxiproxy counts the bytes of each link, and what the service tells."""
        own = {TARGET: self._system.metrics_url} if self._system.metrics_url else {}
        return {TOXIPROXY: f"http://{self.toxiproxy_api}/metrics", **own}

    @property
    def versions(self) -> dict[str, str]:
        """Return what the programs of the lab are."""
        return {TOXIPROXY: "embedded" if self._server is None else str(self._server)}

    def endpoint_inside(self, endpoint: str) -> str:
        """Return the endpoint itself: all is on this machine."""
        return endpoint

    def database_dsn(self, role: str) -> str:  # noqa: ARG002 - a lab is asked so.
        """Return nothing: there is no database that a fault could reach."""
        return ""

    def processes(self) -> dict[str, list[int]]:
        """Return the process ids of every living part."""
        return self._parts.processes()

    def exits(self) -> list[PartExit]:
        """Return the parts that ended though nobody asked."""
        return self._parts.exits()

    async def start_services(self, environment: Mapping[str, Mapping[str, str]]) -> None:
        """Start the processes anew and wait until the service is ready; those of "*" go to all of them. Raises Problem.

        One that was started by somebody else is only waited for.
        """
        await self.stop_services()
        if self._system.processes:
            self._require_free()
        for process in self._system.processes:
            await self._start(
                process, {**process.env, **environment.get(EVERY, {}), **environment.get(process.name, {})}
            )
        await self._until_ready()

    async def stop_services(self) -> None:
        """End the processes that live, the last one first."""
        for process in reversed(self._system.processes):
            if self._parts.lives(process.name):
                await self._parts.stop(process.name, signal.SIGTERM, _STOP_GRACE_S)

    async def reset(self) -> None:
        """Take every toxic off; what the service keeps is its own affair."""
        await to_the_end(proxies.reset, proxies.connect(self._toxiproxy_port))

    async def count(self) -> dict[str, Any]:
        """Return nothing: what the service stores is not known."""
        return {}

    async def kill(self, name: str) -> None:
        """End a part with SIGKILL, on purpose."""
        await self._parts.kill(name)

    async def start_again(self, name: str) -> None:
        """Raise UsageProblem: no fault of such a file kills."""
        raise UsageProblem(f"{name} cannot be started again; its file has toxics only")

    async def start_links(self) -> None:
        """Start Toxiproxy with a link to the service and one for each hop. Raises Problem."""
        await toxiproxy.start(
            self._parts, self._server, self._toxiproxy_port, seed=self._seed, folder=self._folder, count_bytes=True
        )
        upstreams = {USERS: self._system.target, **{hop.name: hop.upstream for hop in self._system.hops}}
        # Their host names are the links' own, because an upstream may be anywhere.
        links = [Link(name=name, upstream=f"{name}:0") for name in upstreams]
        listen = {hop.name: hop.listen for hop in self._system.hops if hop.listen}
        client = proxies.connect(self._toxiproxy_port)
        self.links = await to_the_end(proxies.create_links, client, links, upstreams, listen)

    async def close(self) -> None:
        """End the processes in order."""
        with contextlib.suppress(Problem):  # A dead keeper has ended them already.
            await self.stop_services()

    async def _start(self, process: Process, environment: Mapping[str, str]) -> None:
        command = [sys.executable if word == INTERPRETER else self._placed(word) for word in process.command]
        settings = {name: self._placed(value) for name, value in environment.items()}
        await self._parts.start(
            Start(name=process.name, argv=command, folder=self._system.folder, environment=settings)
        )
        if process.ready:
            await self._until_answered(process.name, _Probe("processes.ready", process.ready))

    def _placed(self, text: str) -> str:
        """Return a text with the addresses of the links in it."""
        return PLACE.sub(lambda found: self.links[found[1]], text)

    def _require_free(self) -> None:
        """Refuse a port where somebody answers already: the wrong one would be measured."""
        for address in (self._system.target, *(process.ready for process in self._system.processes if process.ready)):
            if address.rpartition(":")[0] in (LOOPBACK, "localhost") and not is_free(_port(address)):
                raise UsageProblem(f"{address} is taken already; end what listens there, or choose another port")

    async def _until_ready(self) -> None:
        health = self._system.health
        probe = _Probe("target.health" if health else "target.url", self._system.target, health)
        if self._system.processes:
            await self._until_answered(self._system.processes[-1].name, probe)
            return
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await ready.until(probe)
        except TimeoutError:
            remedy = "correct that path, or the service" if probe.answered else "start the service first"
            raise UsageProblem(f"{probe}; {remedy}") from None

    async def _until_answered(self, name: str, probe: "_Probe") -> None:
        """Wait for a process; of one that lives, tell what it answered. Raises Problem."""
        try:
            await self._parts.until_ready(name, probe, START_TIMEOUT_S)
        except Problem:
            if not self._parts.lives(name):
                raise
            told = f"is not ready after {START_TIMEOUT_S:g} s: {probe}; correct that key, or the process"
            raise self._parts.problem(name, told) from None


@contextlib.asynccontextmanager
async def open_own(system: OwnSystem, *, logs: Path, seed: int = 0) -> AsyncIterator[OwnLab]:
    """Start the links of a lab and end everything at the end. `logs` gets one file per part. Raises Problem."""
    proxies.reach_loopback_directly()  # Before the keeper, which passes its environment on.
    async with contextlib.AsyncExitStack() as stack:
        await to_the_end(directory.sweep)
        folder = directory.create()
        stack.callback(directory.remove, folder)
        ports = stack.enter_context(contextlib.closing(Ports()))
        parts = Parts(folder, logs)
        await parts.open(Path.cwd())
        stack.push_async_callback(parts.close)
        lab = OwnLab(system, parts, folder, ports, seed=seed)
        stack.push_async_callback(lab.close)
        await lab.start_links()
        yield lab


class _Probe:
    """Asks whether a server accepts connections, or its page says 200, and keeps what came of it last."""

    def __init__(self, key: str, address: str, path: str = "") -> None:
        self._key = key
        self._address = address
        self._path = path
        self._last = "no answer yet"
        self.answered = False

    def __str__(self) -> str:
        """Return the key of the file that names the server, where that is, and what it answered last."""
        asked = f"{self._path} at {self._address}" if self._path else self._address
        return f"`{self._key}` {asked}: {self._last}"

    async def __call__(self) -> bool:
        """Ask once."""
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                line = await self._ask()
        except (OSError, ValueError) as error:  # A ValueError: a line without end.
            self.answered, self._last = False, f"no answer ({str(error) or 'it took too long'})"
            return False
        self.answered, self._last = True, f"the last answer was {line[:_ANSWER_CHARACTERS_MAX]!r}, not 200"
        return not self._path or _ANSWER_OK.match(line) is not None

    async def _ask(self) -> str:
        reader, writer = await asyncio.open_connection(self._address.rpartition(":")[0], _port(self._address))
        try:
            if not self._path:
                return ""
            writer.write(f"GET {self._path} HTTP/1.1\r\nHost: {self._address}\r\nConnection: close\r\n\r\n".encode())
            line = (await reader.readline()).decode("latin-1").strip()
            if not line:
                raise ConnectionResetError("it said nothing and hung up")
            return line
        finally:
            writer.close()


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
