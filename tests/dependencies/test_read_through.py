import asyncio
from typing import Any

import pytest

from rulezero.dependencies.read_through import ReadThrough
from rulezero.outcome import TimedOut
from rulezero.request_context import Queueing, current_deadline_s, deadline_var, queueing_var
from tests.counters import Change
from tests.defences.fakes import cancel, failed, now_s, outcomes
from tests.dependencies.fakes import stack
from tests.shared_cache import FakeCache

LOAD_S = 0.3
TTL_S = 60.0


class Origin:
    """Counts loads; each takes 0.3 s, after waiting `queue_s` for a connection."""

    def __init__(self, value: bytes | Exception = b"value", *, queue_s: float = 0.0) -> None:
        self.value = value
        self.queue_s = queue_s
        self.loads = 0
        self.deadlines_s: list[float | None] = []

    async def __call__(self) -> bytes:
        self.loads += 1
        self.deadlines_s.append(current_deadline_s())
        await asyncio.sleep(LOAD_S + self.queue_s)
        queueing = queueing_var.get()
        assert queueing is not None
        queueing.total_s += self.queue_s
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Counts:
    """What the metrics of one cache have grown by."""

    def __init__(self, name: str) -> None:
        self._results = {
            one: Change("cache_requests_total", cache=name, result=one) for one in ("hit", "stale", "miss", "error")
        }
        self._writes = {
            one: Change("cache_writes_total", cache=name, result=one) for one in ("renewed", "redundant", "error")
        }
        self.blocked = Change("cache_blocked_reads_total", cache=name)
        self.loads = Change("cache_loads_total", cache=name)
        self.herds = Change("cache_herd_size_count", cache=name)
        self.herd_sum = Change("cache_herd_size_sum", cache=name)
        self.load_s = Change("cache_load_duration_seconds_sum", cache=name)

    @property
    def results(self) -> dict[str, float]:
        """Look-ups by what they found, those that happened."""
        return {one: change() for one, change in self._results.items() if change()}

    @property
    def writes(self) -> tuple[float, float]:
        """Puts that renewed, and those that were one too many."""
        return self._writes["renewed"](), self._writes["redundant"]()

    @property
    def puts_that_failed(self) -> float:
        """Puts that the cache did not take."""
        return self._writes["error"]()


def reading(name: str, **tables: dict[str, Any]) -> tuple[ReadThrough, FakeCache, Counts]:
    cache = FakeCache()
    layers = stack(dependency=name, family="cache", shared=cache, **tables)
    read = ReadThrough(cache, name=name, ttl_s=TTL_S, stack=layers)  # type: ignore[arg-type]  # A fake cache.
    return read, cache, Counts(name)


async def test_what_is_missing_is_loaded_once_and_kept() -> None:
    """For the time to live and no longer; meanwhile it is a hit, of one command and without waiting."""
    read, cache, counts = reading("c-kept")
    origin = Origin()
    assert [await read.get("a", origin) for _ in range(3)] == [b"value"] * 3
    assert origin.loads == counts.loads() == counts.blocked() == 1
    assert counts.results == {"hit": 2, "miss": 1}
    assert cache.ttls_s == [(TTL_S, 0.0)]
    assert cache.commands == ["look_up", "put", "look_up", "look_up"]
    assert counts.load_s() == pytest.approx(LOAD_S)
    await asyncio.sleep(TTL_S)
    await read.get("a", origin)
    assert (counts.results, counts.writes) == ({"hit": 2, "miss": 2}, (2, 0))


async def test_an_empty_value_is_a_value() -> None:
    """Not a miss."""
    read, _, counts = reading("c-empty")
    origin = Origin(b"")
    assert [await read.get("a", origin) for _ in range(2)] == [b"", b""]
    assert (origin.loads, counts.results) == (1, {"hit": 1, "miss": 1})


@pytest.mark.parametrize("tables", [{}, {"lease": {}, "coalescing": {}, "stale_while_revalidate": {}}], ids=str)
async def test_a_cache_that_is_down_costs_a_load_and_never_an_error(tables: dict[str, Any]) -> None:
    """Each time: the look-up, the lease and the putting back fail."""
    read, cache, counts = reading(f"c-down-{len(tables)}", **tables)
    cache.down, origin = True, Origin()
    assert [await read.get("a", origin) for _ in range(3)] == [b"value"] * 3
    assert origin.loads == counts.blocked() == 3
    assert (counts.results, counts.writes, counts.puts_that_failed) == ({"error": 3}, (0, 0), 3)


async def test_a_load_that_fails_is_told_and_nothing_is_kept() -> None:
    """The next caller tries again."""
    read, cache, counts = reading("c-fails")
    origin = Origin(TimedOut("x"))
    for _ in range(2):
        with pytest.raises(TimedOut):
            await read.get("a", origin)
    assert cache.keys == set()
    assert (origin.loads, counts.loads(), counts.load_s(), counts.blocked()) == (2, 2, 0, 2)


async def test_without_coalescing_everyone_who_misses_loads() -> None:
    """1 + lambda * delta loads, and the herd's size is seen as it grows; all but one of them were too many."""
    read, _, counts = reading("c-herd")
    origin = Origin()
    await asyncio.gather(*(read.get("hot", origin) for _ in range(50)))
    assert origin.loads == counts.loads() == counts.herds() == 50
    assert counts.herd_sum() == sum(range(1, 51))
    assert counts.writes == (1, 49)


async def test_loads_per_expiry_are_told_by_the_puts_alone() -> None:
    """(renewed + redundant) / renewed, also of processes that know nothing of each other."""
    cache, origin = FakeCache(), Origin()
    processes = [
        ReadThrough(cache, name="c-writes", ttl_s=1.0, stack=stack(dependency="c-writes", family="cache"))  # type: ignore[arg-type]  # A fake cache.
        for _ in range(2)
    ]
    counts = Counts("c-writes")
    for _ in range(5):
        await asyncio.gather(*(read.get("hot", origin) for read in processes for _ in range(3)))
        await asyncio.sleep(1.5)
    assert counts.writes == (5, 25)


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
    assert read._in_flight == {}


async def test_with_coalescing_all_who_miss_share_one_load() -> None:
    """One process, one load; the others wait for it."""
    read, cache, counts = reading("c-coalesced", coalescing={})
    origin = Origin()
    assert await asyncio.gather(*(read.get("hot", origin) for _ in range(50))) == [b"value"] * 50
    assert origin.loads == counts.loads() == counts.herd_sum() == len(cache.ttls_s) == 1
    assert (counts.results, counts.blocked()) == ({"miss": 50}, 50)
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


async def test_the_load_time_that_is_kept_has_no_waiting_in_line_in_it() -> None:
    """Pitfall: delta including queueing during an incident. The metric has all of it."""
    read, cache, counts = reading("c-queue")
    outer = Queueing()
    token = queueing_var.set(outer)
    await read.get("a", Origin(queue_s=5.0))
    assert cache.load_times_s == pytest.approx([LOAD_S])
    assert counts.load_s() == pytest.approx(LOAD_S + 5.0)
    assert queueing_var.get() is outer
    queueing_var.reset(token)


async def test_one_odd_load_time_is_halved() -> None:
    """Pitfall: delta from one noisy sample. Those of a miss, which knows no other, are taken as they are."""
    read, cache, _ = reading("c-sample", stale_if_error={"stale_s": 60.0})
    usual = Origin()

    async def slow() -> bytes:
        await asyncio.sleep(10.0)
        return b"value"

    for load in (usual, slow, usual):
        await read.get("a", load)
        await asyncio.sleep(TTL_S)
    assert cache.load_times_s == pytest.approx([0.3, 5.15, 2.725])


async def test_who_waited_for_a_load_that_failed_has_waited() -> None:
    """Though it is answered with what it had found; who is served that at once has not."""
    for name, waits in (("stale_if_error", True), ("stale_while_revalidate", False)):
        read, _, counts = reading(f"c-waits-{name}", **{name: {"stale_s": 60.0}})
        await read.get("a", Origin())
        await read.get("a", Origin())
        await asyncio.sleep(TTL_S)
        start_s = now_s()
        assert await read.get("a", Origin(failed())) == b"value"
        assert (now_s() > start_s, counts.blocked()) == (waits, 1 + int(waits))
        await asyncio.sleep(1)
