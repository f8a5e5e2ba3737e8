"""The services of a lab: one fork of the keeper each, fresh for every arm, on ports that stay."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path

from rulezero.errors import UsageProblem
from rulezero.lab import postgres, ready
from rulezero.lab.description import ServiceDescription, ShopDescription
from rulezero.lab.messages import Preload, Start
from rulezero.lab.parts import Parts
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.lab.together import together

EVERY = "*"
START_TIMEOUT_S = 30.0
_STOP_GRACE_S = 3.0


class Services:
    """All of them. `folder` is where they run."""

    def __init__(self, description: ShopDescription, parts: Parts, folder: Path, seed: int) -> None:
        self._description = description
        self._parts = parts
        self._folder = folder
        self._seed = seed
        self.ports: dict[str, int] = {}
        self.admin_ports: dict[str, int] = {}
        self._starts: dict[str, Start] = {}

    def reserve(self, ports: Ports) -> None:
        """Choose where they will listen, once: the links point there."""
        for service in self._description.services:
            self.ports[service.name] = ports.reserve()
            self.admin_ports[service.name] = ports.reserve()

    async def preload(self) -> None:
        """Import what they share before they are forked. Raises UsageProblem when a module cannot be imported."""
        targets = [self._description.process, *(service.app for service in self._description.services)]
        # One request each: starting another part need not wait for all of them.
        for module in dict.fromkeys(target.partition(":")[0] for target in targets):
            await self._parts.control.ask(Preload(module))

    async def start(self, links: Mapping[str, str], environment: Mapping[str, Mapping[str, str]]) -> None:
        """Start them all and wait until each is healthy; `environment` is per instance, "*" is for all."""
        known = {EVERY, *self.ports}
        for name in environment:
            if name not in known:
                raise UsageProblem(f"there is no service `{name}`; there are {', '.join(sorted(self.ports))}")
        common = self._common(links) | dict(environment.get(EVERY, {}))
        try:
            for service in self._description.services:
                own = self._start(service, common | dict(environment.get(service.name, {})))
                self._starts[service.name] = own
                await self._parts.start(own)
            await together(*(self._until_healthy(name) for name in self.ports))
        except BaseException:
            await self.stop()
            raise

    async def start_again(self, name: str) -> None:
        """Start one that was killed, told the same as before, and wait until it is healthy. Raises Problem."""
        if name not in self._starts:
            raise UsageProblem(f"{name} was never started; start the services first")
        await self._parts.start(self._starts[name])
        await self._until_healthy(name)

    async def stop(self) -> None:
        """End those that live."""
        living = [name for name in self.ports if self._parts.lives(name)]
        await together(*(self._parts.stop(name, signal.SIGTERM, _STOP_GRACE_S) for name in living))

    async def _until_healthy(self, name: str) -> None:
        await self._parts.until_ready(name, ready.answers_health(self.admin_ports[name]), START_TIMEOUT_S)

    def _common(self, links: Mapping[str, str]) -> dict[str, str]:
        common = {
            "RULEZERO_LINKS": json.dumps(dict(links)),
            "RULEZERO_DATABASE": postgres.dsn("{address}", self._description.database),
            "RULEZERO_SEED": str(self._seed),
        }
        if self._description.defences:
            common["RULEZERO_DEFENCES_FILE"] = str(self._description.root / self._description.defences)
        return common

    def _start(self, service: ServiceDescription, environment: Mapping[str, str]) -> Start:
        own = {"RULEZERO_SERVICE": service.service or service.name, "RULEZERO_INSTANCE": service.name}
        return Start(
            name=service.name,
            target=self._description.process,
            arguments={"app": service.app},
            ports={"listen_fd": self.ports[service.name], "admin_fd": self.admin_ports[service.name]},
            folder=str(self._folder),
            environment={**own, **environment},
        )

    def addresses(self) -> dict[str, str]:
        """Return where each listens."""
        return {name: f"{LOOPBACK}:{port}" for name, port in self.ports.items()}

    def admin_addresses(self) -> dict[str, str]:
        """Return the admin port of each."""
        return {name: f"{LOOPBACK}:{port}" for name, port in self.admin_ports.items()}
