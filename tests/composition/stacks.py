"""The catalogue's defences around one call, each with a teller of its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any, Self

from rulezero.calls import Entry, Operation, Proceed, wrap
from rulezero.defences import CATALOGUE
from rulezero.defences.background import Background
from rulezero.defences.bulkhead import BulkheadConfig
from rulezero.defences.circuit_breaker import CircuitBreakerConfig
from rulezero.defences.coalescing import CoalescingConfig
from rulezero.defences.deadline import DeadlineConfig
from rulezero.defences.retry import RetryConfig
from rulezero.defences.timeout import TimeoutConfig
from tests.defences.fakes import RecordingTeller, context


class SharedMemory:
    """What the processes of a service share: entries and leases. Each look at it takes a turn of the loop."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.leases: dict[str, str] = {}

    async def look_up(self, key: str) -> Entry | None:
        await asyncio.sleep(0)
        return self.entries.get(key)

    async def acquire_lease(self, key: str, *, owner: str, lease_s: float) -> bool:  # noqa: ARG002 - nobody here dies with it.
        await asyncio.sleep(0)
        return self.leases.setdefault(key, owner) == owner

    async def release_lease(self, key: str, owner: str) -> None:
        await asyncio.sleep(0)
        if self.leases.get(key) == owner:
            del self.leases[key]


class Stack:
    """Only the defences with numbers are on, in the order of the catalogue."""

    def __init__(self, *configs: Any, seed: int = 0) -> None:
        self.tellers: dict[str, RecordingTeller] = {}
        self.layers: dict[str, Any] = {}
        self.background, self.shared = Background(), SharedMemory()
        random = Random(seed)
        catalogue: tuple[Any, ...] = CATALOGUE
        by_type = {type(config): config for config in configs}
        for defence in catalogue:
            if defence.config_type in by_type:
                teller = self.tellers[defence.name] = RecordingTeller()
                surroundings = replace(context(teller), background=self.background, shared=self.shared, random=random)
                self.layers[defence.name] = defence(by_type[defence.config_type], surroundings)

    def swapped(self, one: str, other: str) -> Self:
        """Change the places of two defences."""
        names = [{one: other, other: one}.get(name, name) for name in self.layers]
        self.layers = {name: self.layers[name] for name in names}
        return self

    def around(self, send: Proceed) -> Proceed:
        return wrap(tuple(self.layers.values()), send)

    def names(self, defence: str) -> list[str]:
        return self.tellers[defence].names


def whole(**numbers: Any) -> Stack:
    """Return the first six defences, all on."""
    return Stack(
        CoalescingConfig(),
        DeadlineConfig(),
        RetryConfig(jitter="none", base_s=0.1, **numbers),
        CircuitBreakerConfig(),
        BulkheadConfig(permits=2),
        TimeoutConfig(timeout_s=1.0),
    )


def everything(seed: int, **numbers: Mapping[str, Any]) -> Stack:
    """Return every defence of the catalogue, with its default numbers where none are given."""
    catalogue: tuple[Any, ...] = CATALOGUE
    return Stack(*(defence.config_type(**numbers.get(defence.name, {})) for defence in catalogue), seed=seed)


async def called(call: Proceed, asked: Operation) -> Any:
    """Await a call: what a task is made of."""
    return await call(asked)
