import asyncio
from typing import Any

import msgspec
import pytest

from rulezero.calls import Operation
from rulezero.defences.background import Background
from rulezero.defences.context import Context
from rulezero.defences.stale_while_revalidate import StaleWhileRevalidate, StaleWhileRevalidateConfig
from rulezero.request_context import current_deadline_s, deadline_var
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
    outcomes,
    settle,
)


def revalidating(teller: RecordingTeller | None = None, **numbers: Any) -> StaleWhileRevalidate:
    return StaleWhileRevalidate(StaleWhileRevalidateConfig(**numbers), context(teller))


def read(fresh_s: float | None, *, key: str = "42", **changes: Any) -> Operation:
    entry = None if fresh_s is None else found(fresh_s=fresh_s)
    return operation(name="read items", key=key, entry=entry, ttl_s=60.0, **changes)


async def test_a_stale_entry_is_served_at_once_and_renewed_once() -> None:
    """A thousand readers wait for nothing and cost one load."""
    teller, origin = RecordingTeller(), Dependency(latency_s=0.3)
    layer = revalidating(teller)
    assert await outcomes(layer(read(-1.0), origin) for _ in range(1000)) == ["found"] * 1000
    assert now_s() == 0.0
    await asyncio.sleep(1)
    assert len(origin.calls) == 1
    assert teller.names.count("refreshed") == 1
    assert teller.names.count("served_stale") == 1000


async def test_keys_are_renewed_apart() -> None:
    """And a key that has been renewed can be so again."""
    layer, origin = revalidating(backoff_s=0.1), Dependency(latency_s=0.3)
    for _ in range(3):
        await outcomes(layer(read(-1.0, key=key), origin) for key in ("1", "2", "1"))
        await asyncio.sleep(0.5)
    assert [call.key for call in origin.calls] == ["1", "2"] * 3


@pytest.mark.parametrize("fresh_s", [None, 5.0])
async def test_what_is_missing_or_fresh_is_passed_on(fresh_s: float | None) -> None:
    """Pitfall: serving stale after an explicit invalidation. A deleted key is a miss, and its readers wait."""
    teller, origin = RecordingTeller(), Dependency()
    assert await revalidating(teller)(read(fresh_s), origin) == "reply"
    assert teller.names == []


@pytest.mark.parametrize(("fresh_s", "served"), [(0.0, True), (-30.0, True), (-30.1, False), (-9999.0, False)])
async def test_nothing_older_than_the_bound_is_served(fresh_s: float, *, served: bool) -> None:
    """Pitfall: no bound, origin down = stale for ever. Beyond it the reader waits for the load."""
    teller, origin = RecordingTeller(), Dependency("new", latency_s=0.3)
    assert await revalidating(teller)(read(fresh_s), origin) == ("found" if served else "new")
    assert teller.names[-1] == ("served_stale" if served else "too_stale")


async def test_a_renewal_outlives_its_request_and_has_not_its_deadline() -> None:
    """Pitfall: refresh tied to the request's lifetime or deadline."""
    seen: list[float | None] = []
    origin = Dependency(latency_s=5.0)

    async def load(asked: Operation) -> Any:
        seen.append(current_deadline_s())
        return await origin(asked)

    async def request(layer: StaleWhileRevalidate) -> None:
        deadline_var.set(0.1)
        await layer(read(-1.0, deadline_s=0.1), load)
        await asyncio.sleep(3600)

    task = asyncio.create_task(request(revalidating()))
    await asyncio.sleep(0.05)
    await cancel(task)
    await asyncio.sleep(6)
    assert (len(origin.calls), origin.cancelled, origin.running) == (1, 0, 0)
    assert (origin.calls[0].deadline_s, seen) == (None, [None])


async def test_a_failed_renewal_is_not_repeated_by_every_request() -> None:
    """Pitfall: refresh failure retried by every request. 1000 readers within 10 s start ten, one a second."""
    teller, origin = RecordingTeller(), Dependency(failed())
    layer = revalidating(teller, backoff_s=1.0)
    for _ in range(1000):
        assert await layer(read(-1.0), origin) == "found"
        await asyncio.sleep(0.01)
    assert len(origin.calls) == pytest.approx(10, abs=1)
    assert teller.names.count("refresh_failed") == len(origin.calls)


async def test_a_renewal_that_could_not_be_written_is_not_repeated_by_every_request() -> None:
    """The cache reads but does not write: the load goes well, and every reader finds the same stale entry."""
    origin = Dependency()
    layer = revalidating(backoff_s=1.0)
    for _ in range(1000):
        assert await layer(read(-1.0), origin) == "found"
        await asyncio.sleep(0.01)
    assert len(origin.calls) == pytest.approx(10, abs=1)


async def test_a_renewal_that_hangs_is_given_up_and_counts_as_failed() -> None:
    """Else its key would never be renewed again."""
    teller, hanging = RecordingTeller(), Hanging()
    layer = revalidating(teller, refresh_timeout_s=10.0, backoff_s=1.0)
    await layer(read(-1.0), hanging)
    for pause_s, started in ((9.9, 1), (0.2, 1), (1.0, 2)):
        await asyncio.sleep(pause_s)
        await layer(read(-1.0), hanging)
        await settle()
        assert len(hanging.calls) == started
    assert hanging.cancelled == 1


async def test_when_too_much_runs_in_the_background_nobody_waits_either() -> None:
    """The entry is served; a later reader starts the renewal."""
    teller, hanging, background = RecordingTeller(), Hanging(), Background(tasks_max=1)
    surroundings = Context(dependency="items", caller="catalog", teller=teller, background=background)
    layer = StaleWhileRevalidate(StaleWhileRevalidateConfig(), surroundings)
    assert [await layer(read(-1.0, key=key), hanging) for key in ("1", "2")] == ["found"] * 2
    assert teller.names == ["refreshed", "served_stale", "refresh_refused", "served_stale"]
    await asyncio.sleep(11)
    await layer(read(-1.0, key="2"), hanging)
    assert teller.names[-2:] == ["refreshed", "served_stale"]
    await settle()
    await background.close()
    assert (hanging.running, layer._refreshing) == (0, set())


@pytest.mark.parametrize(("keep_s", "kept_s"), [(0.0, 30.0), (90.0, 90.0)])
async def test_what_is_loaded_is_kept_for_as_long_as_it_may_be_served(keep_s: float, kept_s: float) -> None:
    """In the foreground and in the background, or longer, when another defence wants that."""
    origin = Dependency()
    for fresh_s in (None, 5.0, -5.0, -99.0):
        await revalidating()(read(fresh_s, keep_s=keep_s), origin)
        await settle()
    assert [call.keep_s for call in origin.calls] == [kept_s] * 4


@pytest.mark.parametrize("numbers", [{"stale_s": 0}, {"refresh_timeout_s": 0}, {"backoff_s": 0}])
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any]) -> None:
    """Stale for no time, renewals that hang for ever, or that follow each other without a pause."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(numbers))):
        msgspec.convert(numbers, StaleWhileRevalidateConfig)
