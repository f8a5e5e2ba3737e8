"""Somebody's own service as the system under test: what of it is started, and what is put behind Toxiproxy."""

from collections.abc import Mapping
from dataclasses import dataclass

USERS = "users"  # The link that the load goes through.
TOXIPROXY, TARGET = "toxiproxy", "target"  # What is scraped.


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """A dependency that the service reaches through Toxiproxy: at `listen`, or at a port of the lab's choice."""

    name: str
    upstream: str
    listen: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A program that is started anew for every arm; `ready`: "host:port" that accepts connections when it is."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    ready: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSystem:
    """The whole of it, as its file says.

    Args:
        path: The file, as it was named on the command line.
        text: What it held.
        folder: Where it lies; the processes run there.
        target: "host:port" of the service that users ask.
        health: A path that answers 200 when the service is ready; empty: it is when it accepts connections.
        metrics_url: Where the service tells its own metrics, as Prometheus asks for them; empty for nowhere.

    """

    path: str
    text: str
    folder: str
    target: str
    health: str = ""
    hops: tuple[Hop, ...] = ()
    processes: tuple[Process, ...] = ()
    metrics_url: str = ""

    @property
    def scraped(self) -> list[str]:
        """Return the names of what is scraped."""
        return [TOXIPROXY, TARGET] if self.metrics_url else [TOXIPROXY]
