"""What every defence is given: whom it protects, a random source, and someone to tell its decisions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Literal, Protocol

from rulezero.calls import Entry
from rulezero.defences.background import Background

Family = Literal["admission", "call", "cache", "delivery"]


class Teller(Protocol):
    """Receives what a defence decides; `rulezero.telemetry.decisions` turns it into metrics and span attributes."""

    def decided(self, decision: str, **detail: float | str) -> None:
        """One decision, such as "rejected"; the detail goes to the current span."""

    def breaker_state(self, state: int) -> None:
        """0 closed, 1 half-open, 2 open."""

    def concurrency(self, *, limit: int, in_use: Callable[[], int]) -> None:
        """How many permits there are, and how to ask how many are taken."""

    def removed(self) -> None:
        """Take back what was told of the state: the defence is off, or replaced."""


class SharedCache(Protocol):
    """What the processes of a service share, for defences that work across them. Its methods raise `CallError`."""

    async def look_up(self, key: str) -> Entry | None:
        """Return the entry, stale ones too."""

    async def acquire_lease(self, key: str, *, owner: str, lease_s: float) -> bool:
        """Take the lease on this key for an owner, named as no other, and tell whether it was free.

        It ends by itself after `lease_s`. After an error nobody knows whether it was taken.
        """

    async def release_lease(self, key: str, owner: str) -> None:
        """Give the lease back, unless it has become somebody else's."""


class SharedQueue(Protocol):
    """The queue that messages are published to, which other processes publish to as well."""

    def bound(self, max_msgs: int | None) -> None:
        """Have it refuse what would be more messages than this, or none when None; soon, and from then on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The surroundings of one defence around one dependency in one process.

    `caller` is the service this process is, for settings that name who may act (retries). `background` runs what
    outlives a request. `shared` is there for the cache family alone, `queue` for the delivery family.
    """

    dependency: str
    caller: str
    teller: Teller
    random: Random = field(default_factory=lambda: Random(0))
    background: Background = field(default_factory=Background)
    shared: SharedCache | None = None
    queue: SharedQueue | None = None
