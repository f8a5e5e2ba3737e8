"""All defences of the cache family together, in several processes that share one cache."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from rulezero.dependencies.read_through import ReadThrough
from rulezero.outcome import CallError
from rulezero.request_context import deadline_var
from rulezero.toggles.stacks import Stack
from tests.counters import Change
from tests.defences.fakes import cancel, failed, now_s, others, outcomes, settle
from tests.dependencies.fakes import stack
from tests.shared_cache import FakeCache

LOAD_S = 0.3
TTL_S = 5.0

Tables = dict[str, dict[str, Any]]

ALL: Tables = {
    "ttl_jitter": {"jitter": 0.1},
    "stale_if_error": {"stale_s": 60.0},
    "stale_while_revalidate": {"stale_s": 30.0},
    "early_expiration": {},
    "coalescing": {},
    "lease": {},
}


class Origin:
    """Answers with the instant when the load began; `down`, with an error."""

    def __init__(self) -> None:
        self.down = False
        self.loads = 0
        self.running = self.running_max = 0

    async def __call__(self) -> bytes:
        began_s = now_s()
        self.loads += 1
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        try:
            await asyncio.sleep(LOAD_S)
        finally:
            self.running -= 1
        if self.down:
            raise failed()
        return str(began_s).encode()


class Fleet:
    """Processes that read through one cache."""

    def __init__(self, name: str, count: int = 1, *, on: Tables, trip_s: float = 0.0) -> None:
        self.cache, self.origin = FakeCache(trip_s=trip_s), Origin()
        self.stacks: list[Stack] = [
            stack(dependency=name, family="cache", shared=self.cache, **on) for _ in range(count)
        ]
        self.processes = [
            ReadThrough(self.cache, name=name, ttl_s=TTL_S, stack=one)  # type: ignore[arg-type]  # A fake cache.
            for one in self.stacks
        ]
        self.blocked = Change("cache_blocked_reads_total", cache=name)
        self.renewed = Change("cache_writes_total", cache=name, result="renewed")
        self.redundant = Change("cache_writes_total", cache=name, result="redundant")

    async def read(self, process: int = 0) -> float:
        """Return how old the answer is."""
        began = await self.processes[process].get("hot", self.origin)
        return now_s() - float(began)

    async def read_often(self, *, rate: float, for_s: float, seed: int = 0) -> list[Any]:
        """Return the ages, and errors, of readers that come at random instants to random processes."""
        random, readers, end_s = Random(seed), list[asyncio.Task[float]](), now_s() + for_s
        while now_s() < end_s:
            readers.append(asyncio.create_task(self.read(random.randrange(len(self.processes)))))
            await asyncio.sleep(random.expovariate(rate))
        return await outcomes(readers)

    async def close(self) -> None:
        for one in self.stacks:
            await one.close()


async def test_a_stale_hit_is_answered_without_waiting_and_renewed_once_in_all() -> None:
    """Three processes, fifty readers each, one load; every defence is on."""
    fleet = Fleet("all-stale", 3, on=ALL)
    await fleet.read()
    await asyncio.sleep(1.2 * TTL_S)
    start_s, blocked = now_s(), fleet.blocked()
    ages = await outcomes(fleet.read(number % 3) for number in range(150))
    assert now_s() == start_s
    assert all(age == pytest.approx(start_s) for age in ages)
    await asyncio.sleep(1)
    assert (fleet.origin.loads, fleet.renewed(), fleet.redundant()) == (2, 2, 0)
    assert fleet.blocked() == blocked
    assert (fleet.cache.leases, others()) == ({}, set())


async def test_a_renewal_outlives_the_request_that_began_it() -> None:
    """With its own deadline long gone, through coalescing and lease."""
    fleet = Fleet("all-lifetime", on=ALL)
    await fleet.read()
    await asyncio.sleep(1.2 * TTL_S)

    async def request() -> None:
        deadline_var.set(now_s() + LOAD_S / 3)
        await fleet.read()
        await asyncio.sleep(3600)

    task = asyncio.create_task(request())
    await asyncio.sleep(LOAD_S / 2)
    await cancel(task)
    await asyncio.sleep(1)
    assert (fleet.origin.loads, fleet.renewed()) == (2, 2)


@pytest.mark.parametrize("missing", [None, "early_expiration", "stale_while_revalidate"])
async def test_steady_readers_never_wait_and_each_life_costs_one_load(missing: str | None) -> None:
    """Each of the two that renew ahead of the reader is enough; coalescing and lease make it one load."""
    fleet = Fleet(f"all-steady-{missing}", 2, on={name: table for name, table in ALL.items() if name != missing})
    await fleet.read()
    blocked = fleet.blocked()
    await fleet.read_often(rate=200.0, for_s=50.0, seed=3)
    await asyncio.sleep(1)
    assert fleet.blocked() == blocked, "seed 3"
    assert (fleet.redundant(), fleet.origin.running_max) == (0, 1), "seed 3"
    assert 50 / (1.1 * TTL_S) < fleet.renewed() < 50 / (0.4 * TTL_S), "seed 3"
    await fleet.close()


@pytest.mark.parametrize("seed", range(5))
async def test_no_answer_is_older_than_its_bound(seed: int) -> None:
    """Max age served <= ttl + N + delta while the origin is down for ever; after that, errors."""
    stale_s = 10.0
    fleet = Fleet("bound", 2, on={"stale_while_revalidate": {"stale_s": stale_s}, "coalescing": {}})
    await fleet.read()
    fleet.origin.down = True
    answers = await fleet.read_often(rate=20.0, for_s=60.0, seed=seed)
    ages = [age for age in answers if not isinstance(age, CallError)]
    print(f"seed {seed}: oldest {max(ages):.2f} s")  # noqa: T201 - shown when it fails.
    assert TTL_S + stale_s - 1 < max(ages) <= TTL_S + stale_s + LOAD_S
    assert isinstance(answers[-1], CallError)
    assert fleet.origin.running_max <= 2
    await fleet.close()


@pytest.mark.parametrize("tables", [{"stale_if_error": {"stale_s": 60.0}}, ALL], ids=["alone", "all"])
async def test_an_outage_shorter_than_the_bound_is_not_seen(tables: Tables) -> None:
    """60 s without an origin, N = 60: no error, and nothing older than ttl + N + delta."""
    fleet = Fleet(f"outage-{len(tables)}", 2, on=tables)
    await fleet.read()
    fleet.origin.down = True
    during = await fleet.read_often(rate=10.0, for_s=60.0, seed=4)
    fleet.origin.down = False
    after = await fleet.read_often(rate=10.0, for_s=30.0, seed=5)
    assert [age for age in during + after if isinstance(age, BaseException)] == [], "seeds 4, 5"
    assert 60.0 < max(during) <= 1.1 * TTL_S + 60.0 + LOAD_S
    assert max(after[-50:]) <= 1.1 * TTL_S + 1 / 10 + 2 * LOAD_S
    await fleet.close()


async def test_a_deleted_entry_is_not_served() -> None:
    """Pitfall: serving stale after an explicit invalidation, by any of them, also when the load then fails."""
    fleet = Fleet("all-deleted", 2, on=ALL)
    await fleet.read()
    await asyncio.sleep(1.2 * TTL_S)
    fleet.cache.delete("hot")
    assert await fleet.read() == pytest.approx(LOAD_S)
    fleet.cache.delete("hot")
    fleet.origin.down = True
    with pytest.raises(CallError):
        await fleet.read(1)


async def test_a_key_that_was_idle_for_longer_than_it_is_kept_is_one_load_for_all() -> None:
    """Pitfall: a cold key is a normal herd. Its readers wait, as they must, but for one load."""
    fleet = Fleet("all-idle", 3, on=ALL)
    await fleet.read()
    await asyncio.sleep(1.1 * TTL_S + 60.0)
    ages = await outcomes(fleet.read(number % 3) for number in range(90))
    assert max(ages) <= LOAD_S + 1.5 * 0.05
    assert (fleet.origin.loads, fleet.cache.ttls_s[0][1]) == (2, 60.0)


async def test_a_failed_renewal_rests_though_all_read_on() -> None:
    """Pitfall: refresh failure retried by every request; in all processes together one try a second each at most."""
    fleet = Fleet("all-rest", 2, on=ALL)
    await fleet.read()
    await asyncio.sleep(1.2 * TTL_S)
    fleet.origin.down = True
    loads = fleet.origin.loads
    await fleet.read_often(rate=500.0, for_s=10.0, seed=6)
    assert fleet.origin.loads - loads <= 2 * 10 / (1.0 + LOAD_S) + 2, "seed 6"
    assert fleet.origin.running_max == 1
    await fleet.close()


async def test_closing_ends_what_runs_in_the_background() -> None:
    """A renewal, its shared load and its lease."""
    fleet = Fleet("all-close", on=ALL)
    await fleet.read()
    await asyncio.sleep(1.2 * TTL_S)
    await fleet.read()
    await settle()
    assert fleet.origin.running == 1
    assert set(fleet.cache.leases) == {"hot"}
    await fleet.close()
    assert (fleet.origin.running, fleet.cache.leases, others()) == (0, {}, set())


@pytest.mark.parametrize("seed", range(15))
async def test_whatever_happens_readers_get_an_answer_or_an_outcome(seed: int) -> None:
    """Readers that leave, an origin and a cache that come and go: nothing else comes out, and nothing stays."""
    random, fleet = Random(seed), Fleet("all-random", 3, trip_s=0.001, on=ALL)
    loop = asyncio.get_running_loop()

    def at_random(change: Callable[[bool], None]) -> None:
        for _ in range(6):
            loop.call_later(random.uniform(0, 30), change, random.random() < 0.5)

    at_random(lambda down: setattr(fleet.origin, "down", down))
    at_random(lambda down: setattr(fleet.cache, "down", down))
    readers = [asyncio.create_task(_later(random.uniform(0, 30), fleet, number % 3)) for number in range(600)]
    for one in random.sample(readers, 100):
        loop.call_later(random.uniform(0, 30), one.cancel)
    results = await outcomes(readers)
    await asyncio.sleep(15)
    print(f"seed {seed}: {fleet.origin.loads} loads")  # noqa: T201 - shown when it fails.
    assert all(isinstance(one, float | CallError | asyncio.CancelledError) for one in results)
    assert max(one for one in results if isinstance(one, float)) <= 1.1 * TTL_S + 60.0 + LOAD_S
    assert (fleet.origin.running, others()) == (0, set())
    assert all(end_s <= now_s() for _, end_s in fleet.cache.leases.values())


async def _later(at_s: float, fleet: Fleet, process: int) -> float:
    await asyncio.sleep(at_s)
    return await fleet.read(process)
