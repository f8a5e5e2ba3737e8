import asyncio
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from rulezero.calls import Operation
from rulezero.defences.deadline import DeadlineExceeded, DeadlineTimedOut
from rulezero.defences.lease import Lease, LeaseConfig, LeaseWaitTimedOut
from rulezero.outcome import CallError, Failed
from tests.defences.fakes import (
    Dependency,
    Hanging,
    RecordingTeller,
    cancel,
    context,
    failed,
    found,
    now_s,
    operation,
    others,
    outcomes,
    settle,
)
from tests.shared_cache import FakeCache

READ = operation(name="read items", key="hot", ttl_s=60.0)


class Origin(Dependency):
    """A load that is put into the cache, as the inside of the cache family does."""

    def __init__(self, cache: FakeCache, *answers: object, latency_s: float = 0.3) -> None:
        super().__init__(*(answers or (b"loaded",)), latency_s=latency_s)
        self.cache = cache

    async def __call__(self, asked: Operation) -> Any:
        value = await super().__call__(asked)
        version = asked.entry.version if asked.entry else None
        await self.cache.put(asked.key, value, ttl_s=60.0, keep_s=30.0, load_s=0.3, found=version)
        return value


def lease(cache: FakeCache | None, teller: RecordingTeller | None = None, *, seed: int = 0, **numbers: Any) -> Lease:
    return Lease(LeaseConfig(**numbers), context(teller, seed=seed, shared=cache))


async def test_one_loads_and_the_others_get_what_it_loaded() -> None:
    """Within a poll of its end; the lease is given back."""
    cache, teller = FakeCache(), RecordingTeller()
    layer, origin = lease(cache, teller), Origin(cache)
    assert await outcomes(layer(READ, origin) for _ in range(10)) == [b"loaded"] * 10
    assert now_s() <= 0.3 + 1.5 * 0.05
    await settle()
    assert (len(origin.calls), cache.leases, others()) == (1, {}, set())
    assert [teller.names.count(name) for name in ("holder", "waiter", "shared")] == [1, 9, 9]


@pytest.mark.parametrize("asked", [operation(key="hot", entry=found(fresh_s=1.0)), operation(key="")])
async def test_what_needs_no_load_needs_no_lease(asked: Operation) -> None:
    """A fresh entry, or no entry at all: not one command more."""
    cache, teller, inside = FakeCache(), RecordingTeller(), Dependency()
    assert await lease(cache, teller)(asked, inside) == "reply"
    assert (cache.commands, teller.names, inside.calls) == ([], [], [asked])


async def test_without_a_shared_cache_everyone_loads() -> None:
    """There is nobody to share with."""
    origin = Dependency()
    assert await lease(None)(READ, origin) == "reply"
    assert len(origin.calls) == 1


async def test_the_answer_does_not_wait_for_the_lease_to_be_given_back() -> None:
    """Two commands before the load, which asks for its own, and none after it."""
    cache = FakeCache(trip_s=0.01)
    assert await lease(cache)(READ, Dependency(latency_s=0.3)) == "reply"
    assert now_s() == pytest.approx(0.32)
    assert cache.commands == ["acquire", "look_up"]
    await asyncio.sleep(0.1)
    assert (cache.commands[2:], cache.leases) == (["release"], {})


async def test_who_comes_when_the_holder_has_just_left_does_not_load() -> None:
    """It missed the entry, which has been put since, and got the lease, which was free again."""
    cache, teller = FakeCache(), RecordingTeller()
    origin = Origin(cache)
    await lease(cache)(READ, origin)
    await settle()
    assert await lease(cache, teller)(READ, origin) == b"loaded"
    await settle()
    assert (len(origin.calls), teller.names, cache.leases) == (1, ["shared"], {})


@pytest.mark.parametrize("fresh_s", [-1.0, 0.0])
async def test_an_expired_entry_is_not_what_one_waits_for(fresh_s: float) -> None:
    """Nor one that somebody took for expired: only another than the one that was found is new."""
    cache = FakeCache()
    await cache.put("hot", b"old", ttl_s=60.0, keep_s=30.0, load_s=0.3, found=None)
    if fresh_s < 0:
        await asyncio.sleep(61.0)
    entry = await cache.look_up("hot")
    assert entry is not None
    asked = operation(key="hot", entry=replace(entry, fresh_s=fresh_s))
    layer, origin = lease(cache), Origin(cache)
    assert await outcomes(layer(asked, origin) for _ in range(5)) == [b"loaded"] * 5
    assert len(origin.calls) == 1


async def test_when_the_holder_dies_one_of_the_others_takes_over() -> None:
    """Pitfall: lease holder dies. After `lease_s`, one and not all of them."""
    cache, teller = FakeCache(), RecordingTeller()
    assert await cache.acquire_lease("hot", owner="another", lease_s=3.0)
    layer, origin = lease(cache, teller, lease_s=3.0, wait_s=10.0), Origin(cache)
    assert await outcomes(layer(READ, origin) for _ in range(10)) == [b"loaded"] * 10
    assert len(origin.calls) == 1
    assert 3.0 <= origin.called_at_s[0] <= 3.0 + 1.5 * 0.05
    assert teller.names.count("took_over") == 1


async def test_only_its_owner_gives_a_lease_back() -> None:
    """Pitfall: compare-and-delete. A holder slower than its lease does not end the next one's."""
    cache = FakeCache()
    slow, next_one = lease(cache, lease_s=1.0), lease(cache, lease_s=9.0)
    first = asyncio.create_task(slow(READ, Dependency(latency_s=2.0)))
    await asyncio.sleep(1.5)
    second = asyncio.create_task(next_one(READ, Dependency(latency_s=5.0)))
    await asyncio.sleep(0.1)
    held = cache.leases["hot"]
    await first
    await settle()
    assert cache.leases["hot"] == held
    await second
    await settle()
    assert cache.leases == {}


async def test_a_failed_load_gives_the_lease_back_and_the_next_one_tries() -> None:
    """One after the other, never together; the error is its loader's own."""
    cache = FakeCache()
    layer, origin = lease(cache), Origin(cache, failed(), failed(), b"loaded")
    results = await outcomes(layer(READ, origin) for _ in range(10))
    assert sum(isinstance(result, Failed) for result in results) == 2
    assert results.count(b"loaded") == 8
    assert (len(origin.calls), origin.running_max) == (3, 1)


@pytest.mark.parametrize("leaves_at_s", [0.0, 0.004, 0.006, 0.015, 0.2])
async def test_a_holder_that_leaves_gives_the_lease_back(leaves_at_s: float) -> None:
    """While it asks for it, or while it loads: as soon as it is known to have it."""
    cache = FakeCache(trip_s=0.01)
    holder = asyncio.create_task(lease(cache)(READ, Hanging()))
    await asyncio.sleep(leaves_at_s)
    await cancel(holder)
    await asyncio.sleep(0.1)
    assert (cache.leases, others()) == ({}, set())


async def test_a_lease_whose_answer_was_lost_is_given_back() -> None:
    """The cache took it and could not say so in time: it is nobody's, and nobody waits for it to end."""
    cache, teller, start_s = FakeCache(trip_s=0.02), RecordingTeller(), now_s()
    with pytest.raises(LeaseWaitTimedOut):
        await lease(cache, teller)(operation(key="hot", deadline_s=start_s + 0.015), Dependency())
    assert set(cache.leases) == {"hot"}
    await asyncio.sleep(0.1)
    assert (cache.leases, others()) == ({}, set())


@pytest.mark.parametrize("error", [DeadlineExceeded("x"), DeadlineTimedOut("x")])
async def test_a_deadline_that_the_cache_s_own_defence_saw_first_is_the_caller_s(error: CallError) -> None:
    """Its time is up: it neither loads nor calls the cache unavailable."""
    cache, teller, origin = FakeCache(), RecordingTeller(), Dependency()

    async def out_of_time(*_: object, **__: object) -> bool:
        raise error

    cache.acquire_lease = out_of_time  # type: ignore[method-assign]  # The call defences around the cache refuse.
    with pytest.raises(LeaseWaitTimedOut):
        await lease(cache, teller)(operation(key="hot", deadline_s=0.4), origin)
    assert (origin.calls, teller.names) == ([], ["wait_timed_out"])


async def test_a_waiter_waits_no_longer_than_its_deadline() -> None:
    """Pitfall: unbounded polls. It does not load either, for a caller who has left."""
    cache, teller, origin = FakeCache(), RecordingTeller(), Dependency()
    await cache.acquire_lease("hot", owner="another", lease_s=60.0)
    with pytest.raises(LeaseWaitTimedOut):
        await lease(cache, teller)(operation(key="hot", deadline_s=0.4), origin)
    assert now_s() == pytest.approx(0.4)
    assert (origin.calls, teller.names) == ([], ["waiter", "wait_timed_out"])


async def test_a_waiter_that_has_waited_enough_loads_for_itself() -> None:
    """However long the lease; it is counted."""
    cache, teller, origin = FakeCache(), RecordingTeller(), Dependency()
    await cache.acquire_lease("hot", owner="another", lease_s=60.0)
    layer = lease(cache, teller, wait_s=2.0)
    assert await layer(operation(key="hot", deadline_s=9.0), origin) == "reply"
    assert now_s() == pytest.approx(2.0)
    assert (teller.names, len(origin.calls)) == (["waiter", "gave_up"], 1)
    assert cache.commands.count("look_up") == pytest.approx(2.0 / 0.05, rel=0.3)


async def test_a_cache_that_is_down_or_hangs_costs_a_load_and_never_an_error() -> None:
    """At once, or after the longest wait there is."""
    teller, origin = RecordingTeller(), Dependency()
    down, hanging = FakeCache(), FakeCache(trip_s=3600.0)
    down.down = True
    for cache in (down, hanging):
        assert await lease(cache, teller, wait_s=2.0)(READ, origin) == "reply"
    assert now_s() == pytest.approx(2.0)
    assert teller.names == ["unavailable", "gave_up"]


async def test_a_cache_that_goes_down_while_one_waits_costs_a_load() -> None:
    """And the lease that cannot be given back is no error."""
    cache, teller, origin = FakeCache(), RecordingTeller(), Dependency(latency_s=1.0)
    layer = lease(cache, teller)
    calls = [asyncio.create_task(layer(READ, origin)) for _ in range(3)]
    await asyncio.sleep(0.5)
    cache.down = True
    assert await outcomes(calls) == ["reply"] * 3
    await settle()
    assert (teller.names.count("unavailable"), others()) == (2, set())


async def test_someone_elses_timeout_is_not_claimed() -> None:
    """A TimeoutError from within passes as it is."""
    with pytest.raises(TimeoutError) as caught:
        await lease(FakeCache())(READ, Dependency(TimeoutError("inner")))
    assert type(caught.value) is TimeoutError


async def test_waiters_do_not_ask_in_step() -> None:
    """They were refused at the same instant, and would come back together for ever."""
    cache, asked_at_s = FakeCache(), list[float]()
    await cache.acquire_lease("hot", owner="another", lease_s=60.0)
    look_up = cache.look_up

    async def noted(key: str) -> Any:
        asked_at_s.append(round(now_s(), 4))
        return await look_up(key)

    cache.look_up = noted  # type: ignore[method-assign]  # Looks on.
    layer = lease(cache, wait_s=1.0)
    await outcomes(layer(READ, Dependency()) for _ in range(20))
    later = [at_s for at_s in asked_at_s if at_s > 0.2]
    assert len(set(later)) > 0.9 * len(later) > 0


@pytest.mark.parametrize("seed", range(20))
async def test_over_many_processes_one_load_in_all(seed: int) -> None:
    """Eight processes, callers at random instants around the expiry, commands that take their time: one load."""
    random, cache = Random(seed), FakeCache(trip_s=0.002)
    origin = Origin(cache)
    processes = [lease(cache, seed=seed * 100 + number) for number in range(8)]

    async def caller(layer: Lease) -> Any:
        await asyncio.sleep(random.uniform(0, 0.5))
        entry = await cache.look_up("hot")
        await asyncio.sleep(random.uniform(0, 0.05))
        return await layer(operation(key="hot", entry=entry), Serving(origin))

    results = await outcomes(caller(layer) for layer in processes for _ in range(5))
    await asyncio.sleep(0.1)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails.
    assert results == [b"loaded"] * 40
    assert (len(origin.calls), cache.leases, others()) == (1, {}, set())


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_leases_end_and_nobody_waits_for_ever(seed: int) -> None:
    """Callers that leave, loads that fail, a cache that comes and goes: no task, no lease, no unknown error."""
    random, cache = Random(seed), FakeCache(trip_s=0.002)
    origin = Origin(cache, b"loaded", failed(), b"loaded", failed(), failed(), b"loaded")
    processes = [lease(cache, seed=number, lease_s=1.0, wait_s=2.0) for number in range(4)]

    async def caller(layer: Lease) -> Any:
        await asyncio.sleep(random.uniform(0, 2))
        return await layer(operation(key="hot", deadline_s=random.choice([None, now_s() + 0.5])), origin)

    callers = [asyncio.create_task(caller(layer)) for layer in processes for _ in range(8)]
    for one in random.sample(callers, 10):
        asyncio.get_running_loop().call_later(random.uniform(0, 3), one.cancel)
    asyncio.get_running_loop().call_later(random.uniform(0, 2), setattr, cache, "down", random.random() < 0.3)
    results = await outcomes(callers)
    await asyncio.sleep(2)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails.
    assert all(isinstance(one, bytes | Failed | LeaseWaitTimedOut | asyncio.CancelledError) for one in results)
    assert now_s() < 2 + 2 * 2 + 2
    assert others() == set()
    assert all(end_s <= now_s() for _, end_s in cache.leases.values())


class Serving:
    """The inside of the cache family around an origin."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    async def __call__(self, asked: Operation) -> Any:
        if asked.entry is not None and asked.entry.fresh:
            return asked.entry.value
        return await self._origin(asked)


@pytest.mark.parametrize("numbers", [{"lease_s": 0}, {"poll_s": 0}, {"wait_s": 0}])
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any]) -> None:
    """Leases that are over at once, polls without a pause, no waiting at all."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(numbers))):
        msgspec.convert(numbers, LeaseConfig)
