import asyncio
from typing import Any

import pytest

from rulezero.dependencies.cache import ReadThrough
from rulezero.outcome import TimedOut
from rulezero.request_context import current_deadline_s, deadline_var
from tests.counters import Change
from tests.defences.fakes import cancel, failed, now_s, outcomes
from tests.dependencies.fakes import stack

LOAD_S = 0.3


class Store:
    """Stands in for the cache: a dictionary, or broken."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.put_ttls_s: list[float] = []
        self.down = False

    async def get(self, key: str) -> bytes | None:
        await self._trip()
        return self.entries.get(key)

    async def put(self, key: str, value: bytes, *, ttl_s: float) -> None:
        await self._trip()
        self.put_ttls_s.append(ttl_s)
        self.entries[key] = value

    async def _trip(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise failed()


class Origin:
    """Counts loads; each takes 0.3 s."""

    def __init__(self, value: bytes | Exception = b"value") -> None:
        self.value = value
        self.loads = 0
        self.deadlines_s: list[float | None] = []

    async def __call__(self) -> bytes:
        self.loads += 1
        self.deadlines_s.append(current_deadline_s())
        await asyncio.sleep(LOAD_S)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Counts:
    """What the metrics of one cache have grown by."""

    def __init__(self, name: str) -> None:
        self._results = {
            one: Change("cache_requests_total", cache=name, result=one) for one in ("hit", "miss", "error")
        }
        self.loads = Change("cache_loads_total", cache=name)
        self.herds = Change("cache_herd_size_count", cache=name)
        self.herd_sum = Change("cache_herd_size_sum", cache=name)
        self.load_s = Change("cache_load_duration_seconds_sum", cache=name)

    @property
    def results(self) -> tuple[float, float, float]:
        """Hits, misses, errors."""
        return self._results["hit"](), self._results["miss"](), self._results["error"]()


def reading(name: str, **tables: dict[str, Any]) -> tuple[ReadThrough, Store, Counts]:
    store = Store()
    cache_stack = stack(dependency=name, family="cache", **tables)
    read = ReadThrough(store, name=name, ttl_s=60.0, stack=cache_stack)  # type: ignore[arg-type]  # A fake cache.
    return read, store, Counts(name)


async def test_what_is_missing_is_loaded_once_and_kept() -> None:
    """For the time to live; after that it is a hit."""
    read, store, counts = reading("c-kept")
    origin = Origin()
    assert [await read.get("a", origin) for _ in range(3)] == [b"value"] * 3
    assert origin.loads == counts.loads() == 1
    assert counts.results == (2, 1, 0)
    assert store.put_ttls_s == [60.0]
    assert counts.load_s() == pytest.approx(LOAD_S)


async def test_an_empty_value_is_a_value() -> None:
    """Not a miss."""
    read, _, counts = reading("c-empty")
    origin = Origin(b"")
    assert [await read.get("a", origin) for _ in range(2)] == [b"", b""]
    assert (origin.loads, counts.results) == (1, (1, 1, 0))


async def test_a_cache_that_is_down_costs_a_load_and_never_an_error() -> None:
    """Each time: both the look-up and the putting back fail."""
    read, store, counts = reading("c-down")
    store.down, origin = True, Origin()
    assert [await read.get("a", origin) for _ in range(3)] == [b"value"] * 3
    assert origin.loads == 3
    assert counts.results == (0, 0, 6)


async def test_a_load_that_fails_is_told_and_nothing_is_kept() -> None:
    """The next caller tries again."""
    read, store, counts = reading("c-fails")
    origin = Origin(TimedOut("x"))
    for _ in range(2):
        with pytest.raises(TimedOut):
            await read.get("a", origin)
    assert store.entries == {}
    assert (origin.loads, counts.loads(), counts.load_s()) == (2, 2, 0)


async def test_without_coalescing_everyone_who_misses_loads() -> None:
    """1 + lambda * delta loads, and the herd's size is seen as it grows."""
    read, _, counts = reading("c-herd")
    origin = Origin()
    await asyncio.gather(*(read.get("hot", origin) for _ in range(50)))
    assert origin.loads == counts.loads() == counts.herds() == 50
    assert counts.herd_sum() == sum(range(1, 51))


async def test_the_herd_is_counted_by_key_and_shrinks_again() -> None:
    """Loads of other keys, and those that failed or were cancelled, are no part of it."""
    read, _, counts = reading("c-keys")
    origin, broken = Origin(), Origin(failed())
    await asyncio.gather(*(read.get(f"item:{number}", origin) for number in range(20)))
    assert counts.herd_sum() == 20
    await outcomes(read.get("broken", broken) for _ in range(2))
    task = asyncio.create_task(read.get("slow", origin))
    await asyncio.sleep(0.1)
    await cancel(task)
    before = counts.herd_sum()
    await outcomes([read.get("broken", broken), read.get("slow", origin)])
    assert counts.herd_sum() == before + 2


async def test_with_coalescing_all_who_miss_share_one_load() -> None:
    """One process, one load; the others wait for it."""
    read, store, counts = reading("c-coalesced", coalescing={})
    origin = Origin()
    assert await asyncio.gather(*(read.get("hot", origin) for _ in range(50))) == [b"value"] * 50
    assert origin.loads == counts.loads() == counts.herd_sum() == 1
    assert counts.results == (0, 50, 0)
    assert len(store.put_ttls_s) == 1
    assert now_s() == pytest.approx(LOAD_S)


async def test_a_shared_load_has_not_the_deadline_of_whoever_began_it() -> None:
    """The first leaves at its own; the others get the value."""
    read, _, _ = reading("c-deadline", coalescing={})
    origin = Origin()

    async def within(left_s: float | None) -> bytes:
        deadline_var.set(None if left_s is None else now_s() + left_s)
        return await read.get("hot", origin)

    first, second = await outcomes(asyncio.create_task(within(left_s)) for left_s in (LOAD_S / 2, None))
    assert isinstance(first, TimedOut)
    assert second == b"value"
    assert origin.deadlines_s == [None]


async def test_a_load_of_one_s_own_keeps_the_deadline() -> None:
    """Without coalescing nobody else waits for it."""
    read, _, _ = reading("c-own")
    origin = Origin()
    deadline_var.set(5.0)
    await read.get("a", origin)
    assert origin.deadlines_s == [5.0]
    assert current_deadline_s() == 5.0
