"""What a run asks of the system that it measures, wherever that runs."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rulezero.lab.exits import PartExit
from rulezero.lab.observability import Observers


class Target(Protocol):
    """`lab.Lab` on loopback, `compose.ComposeLab` in containers. `lab.Lab` says what each does.

    `listen_host` is where the services reach what this process serves, as `endpoint_inside` writes its address for
    them. `traces` is an OTLP endpoint that keeps spans besides the record, empty for none.
    """

    @property
    def entry(self) -> str: ...  # noqa: D102 - see the class.
    @property
    def toxiproxy_api(self) -> str: ...  # noqa: D102 - see the class.
    @property
    def cache_address(self) -> str: ...  # noqa: D102 - see the class.
    @property
    def admin_addresses(self) -> dict[str, str]: ...  # noqa: D102 - see the class.
    @property
    def metrics_urls(self) -> dict[str, str]: ...  # noqa: D102 - see the class.
    @property
    def observers(self) -> Observers: ...  # noqa: D102 - see the class.
    @property
    def versions(self) -> dict[str, str]: ...  # noqa: D102 - see the class.
    @property
    def listen_host(self) -> str: ...  # noqa: D102 - see the class.
    @property
    def traces(self) -> str: ...  # noqa: D102 - see the class.

    def endpoint_inside(self, endpoint: str) -> str: ...  # noqa: D102 - see the class.
    def database_dsn(self, role: str) -> str: ...  # noqa: D102 - see the class.
    def processes(self) -> Mapping[str, Sequence[int]]: ...  # noqa: D102 - see the class.
    def exits(self) -> list[PartExit]: ...  # noqa: D102 - see the class.
    async def start_services(self, environment: Mapping[str, Mapping[str, str]]) -> None: ...  # noqa: D102 - see the class.
    async def stop_services(self) -> None: ...  # noqa: D102 - see the class.
    async def reset(self) -> None: ...  # noqa: D102 - see the class.
    async def count(self) -> dict[str, Any]: ...  # noqa: D102 - see the class.
    async def kill(self, name: str) -> None: ...  # noqa: D102 - see the class.
    async def start_again(self, name: str) -> None: ...  # noqa: D102 - see the class.
