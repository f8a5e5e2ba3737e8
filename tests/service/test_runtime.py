import asyncio
from random import Random
from typing import Any

import pytest

from rulezero.dependencies.queue_consumer import Message
from rulezero.errors import UsageProblem
from rulezero.outcome import Failed
from rulezero.service.runtime import Runtime
from rulezero.settings import Settings, read_settings
from rulezero.toggles.store import ToggleStore
from tests.defences.fakes import now_s, settle

LINKS = '{"edge-catalog-2": "h:2", "edge-catalog-1": "h:1", "edge-catalogue": "h:3", "edge-primary": "h:4"}'


def runtime_of(**environment: str) -> Runtime:
    settings: Settings = read_settings({"RULEZERO_SERVICE": "edge", "RULEZERO_LINKS": LINKS, **environment})
    return Runtime(settings, ToggleStore(None, clock=lambda: 0.0))


class Part:
    """Something to open, which fails so many times, and to close."""

    def __init__(self, name: str, log: list[str], *, failures: int = 0) -> None:
        self.name, self.log, self.failures = name, log, failures

    async def open(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Failed(self.name)
        self.log.append(f"open {self.name}")

    async def close(self) -> None:
        self.log.append(f"close {self.name}")


def runtime_with(*parts: Part) -> Runtime:
    runtime = runtime_of()
    runtime._to_open = [(part.open, part.close) for part in parts]
    return runtime


async def test_a_dependency_has_every_link_that_leads_to_it() -> None:
    """Numbered instances of it, in order; no other service whose name begins alike."""
    runtime = runtime_of()
    try:
        catalog: Any = runtime.http("catalog")
        assert [catalog._choose(set()).name for _ in range(3)] == ["edge-catalog-1", "edge-catalog-2", "edge-catalog-1"]
    finally:  # Else the open session spoils whichever test the garbage collector comes by in.
        await runtime.close()


async def test_a_link_that_is_not_there_is_told() -> None:
    """By the name that it must have."""
    runtime = runtime_of()
    for make in (
        lambda: runtime.http("payment"),
        lambda: runtime.database("payment", pool_size=1),
        lambda: runtime.read_through("items", ttl_s=1),
        lambda: runtime.queue("mails"),
        lambda: runtime.worker("mails", _nothing, slots=1, service_s=0.0),
    ):
        with pytest.raises(UsageProblem, match=r"^no link edge-(payment|cache|queue) in RULEZERO_LINKS; add it"):
            make()


async def test_what_is_opened_is_closed_in_reverse() -> None:
    """Whoever came last may use those before."""
    log: list[str] = []
    runtime = runtime_with(Part("a", log), Part("b", log))
    await runtime.open()
    await runtime.close()
    assert log == ["open a", "open b", "close b", "close a"]


async def test_a_cache_s_background_work_ends_before_anything_that_it_uses() -> None:
    """Its defences share the cache itself; a renewal under way is cancelled while the rest is still open."""
    log: list[str] = []
    runtime = runtime_of(RULEZERO_LINKS='{"edge-cache": "127.0.0.1:1"}')
    read = runtime.read_through("items", ttl_s=1.0)
    assert read._stack._shared is read._cache
    runtime._to_open = [(part.open, part.close) for part in (Part("a", log),)]
    await runtime.open()

    async def renewal() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            log.append("renewal ends")

    read._stack._background.start(renewal)
    await settle()
    await runtime.close()
    assert log == ["open a", "renewal ends", "close a"]


async def test_one_that_starts_at_the_same_time_is_waited_for() -> None:
    """A little."""
    log: list[str] = []
    await runtime_with(Part("a", log, failures=10)).open()
    assert log == ["open a"]
    assert 0 < now_s() < 5


async def test_one_that_never_comes_ends_the_start_and_the_others_are_closed() -> None:
    """With its own error, after a bounded time."""
    log: list[str] = []
    runtime = runtime_with(Part("a", log), Part("b", log, failures=10**6), Part("c", log))
    with pytest.raises(Failed, match=r"^b$"):
        await runtime.open()
    await runtime.close()
    assert log == ["open a", "close b", "close a"]
    assert now_s() < 10


def test_randomness_is_the_run_s_the_instance_s_and_the_purpose_s() -> None:
    """The same again with the same seed, and different for everyone."""

    def draw(seed: str, instance: str, purpose: str) -> float:
        runtime = runtime_of(RULEZERO_SEED=seed, RULEZERO_INSTANCE=instance)
        source = runtime.random(purpose)
        assert isinstance(source, Random)
        return source.random()

    first = draw("1", "edge", "retry")
    assert first == draw("1", "edge", "retry")
    assert len({first, draw("2", "edge", "retry"), draw("1", "edge-2", "retry"), draw("1", "edge", "service")}) == 4


async def _nothing(_: Message) -> None:
    """Handle a message."""


@pytest.mark.parametrize(
    ("environment", "slots", "prefetch"),
    [
        ({}, 3, 3),
        ({"RULEZERO_SLOTS": "5"}, 5, 5),
        ({"RULEZERO_PREFETCH": "7"}, 3, 7),
        ({"RULEZERO_SLOTS": "5", "RULEZERO_PREFETCH": "1"}, 5, 1),
    ],
)
async def test_a_worker_holds_as_many_messages_as_it_has_slots(
    environment: dict[str, str], slots: int, prefetch: int
) -> None:
    """Unless it is told otherwise."""
    runtime = runtime_of(RULEZERO_LINKS='{"edge-queue": "127.0.0.1:1"}', **environment)
    worker = runtime.worker("mails", _nothing, slots=3, service_s=0.1)
    assert (worker._slots._free, worker._prefetch) == (slots, prefetch)
    await runtime.close()
