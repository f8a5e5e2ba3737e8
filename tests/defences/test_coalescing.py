import asyncio
import gc
from contextvars import ContextVar
from typing import Any

import msgspec
import pytest

from rulezero.calls import Operation
from rulezero.defences.coalescing import Coalescing, CoalescingConfig, LoadTimedOut, WaitTimedOut
from rulezero.outcome import Failed
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
    others,
    outcomes,
    settle,
)

ITEM = operation(name="item", key="42")


def coalescing(teller: RecordingTeller | None = None, **numbers: Any) -> Coalescing:
    return Coalescing(CoalescingConfig(**numbers), context(teller))


async def waiting(layer: Coalescing, origin: Dependency, count: int) -> list[asyncio.Task[Any]]:
    """Start callers and let them get as far as waiting."""
    callers = [asyncio.create_task(layer(ITEM, origin)) for _ in range(count)]
    await settle()
    return callers


async def test_a_load_that_is_over_is_not_reused() -> None:
    """It is no cache: the next caller loads anew, even in the very turn of the loop in which the load ended."""
    layer, origin, late = coalescing(), Dependency("old", "new", latency_s=0.3), list[asyncio.Task[Any]]()

    async def load(asked: Operation) -> Any:
        reply = await origin(asked)
        # Its first step comes after this load's last one, and before anything that is told of the load's end.
        late.append(asyncio.create_task(layer(ITEM, origin)))
        return reply

    assert await layer(ITEM, load) == "old"
    assert await outcomes(late) == ["new"]


async def test_the_error_is_shared_with_those_waiting_and_with_no_one_else() -> None:
    """Pitfall: error cached and replayed. Who comes afterwards tries anew."""
    error = failed()
    layer, origin = coalescing(), Dependency(error, "reply", latency_s=0.3)
    assert await outcomes(layer(ITEM, origin) for _ in range(5)) == [error] * 5
    assert await layer(ITEM, origin) == "reply"
    assert len(origin.calls) == 2


@pytest.mark.parametrize("leaving", [[0], [1], [0, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9]])
async def test_those_who_leave_take_nothing_from_those_who_stay(leaving: list[int]) -> None:
    """Pitfall: leader's cancel shared; one follower's cancel shared. The others get their reply, from the same load."""
    layer, origin = coalescing(), Dependency("reply", latency_s=1.0)
    callers = await waiting(layer, origin, 10)
    await cancel(*(callers[number] for number in leaving))
    results = await outcomes(callers)
    assert [result == "reply" for result in results] == [number not in leaving for number in range(10)]
    assert (len(origin.calls), origin.cancelled) == (1, 0)


async def test_when_all_have_left_the_load_is_cancelled() -> None:
    """Nobody wants its result; whoever comes next starts another."""
    layer, origin = coalescing(), Dependency("reply", latency_s=1.0)
    callers = await waiting(layer, origin, 3)
    await cancel(*callers)
    await settle()
    assert (origin.cancelled, origin.running) == (1, 0)
    assert (layer._flights, layer._loads, others()) == ({}, set(), set())
    assert await layer(ITEM, origin) == "reply"
    assert len(origin.calls) == 2


async def slow_to_end(_: Operation) -> str:
    """Take a second to be cancelled."""
    try:
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(1)
    return "old"


async def test_a_caller_that_comes_while_an_abandoned_load_ends_gets_a_new_one() -> None:
    """Pitfall: deletion of an entry that belongs to a newer call. The old load's end leaves the new one in place."""
    layer, origin = coalescing(), Dependency("new", latency_s=2.0)
    old = asyncio.create_task(layer(ITEM, slow_to_end))
    await settle()
    await cancel(old)
    first = asyncio.create_task(layer(ITEM, origin))
    await asyncio.sleep(1.5)
    assert len(layer._loads) == 1
    second = asyncio.create_task(layer(ITEM, origin))
    assert await outcomes([first, second]) == ["new", "new"]
    assert len(origin.calls) == 1


async def test_abandoned_loads_count_until_they_have_ended() -> None:
    """Else callers that come and go could pile up loads without bound."""
    teller = RecordingTeller()
    layer = coalescing(teller, flights_max=1)
    old = asyncio.create_task(layer(ITEM, slow_to_end))
    await settle()
    await cancel(old)
    await layer(ITEM, Dependency())
    await asyncio.sleep(2)
    await layer(ITEM, Dependency())
    assert teller.names == ["leader", "uncoalesced", "leader"]


async def test_one_callers_deadline_is_not_imposed_on_the_others() -> None:
    """Pitfall: leader's short deadline imposed on followers. It fails the leader alone, and the load never sees it."""
    teller, origin = RecordingTeller(), Dependency("reply", latency_s=1.0)
    layer = coalescing(teller)
    calls = [layer(operation(name="item", key="42", deadline_s=deadline_s), origin) for deadline_s in (0.2, 5.0, None)]
    results = await outcomes(calls)
    assert [type(result) for result in results] == [WaitTimedOut, str, str]
    assert [call.deadline_s for call in origin.calls] == [None]
    assert teller.names.count("wait_timed_out") == 1


async def test_an_expired_entry_is_a_load() -> None:
    """Shared as any other."""
    teller, origin = RecordingTeller(), Dependency(latency_s=1.0)
    layer, asked = coalescing(teller), operation(key="42", entry=found(fresh_s=0.0))
    assert await outcomes([layer(asked, origin), layer(asked, origin)]) == ["reply"] * 2
    assert (len(origin.calls), teller.names) == (1, ["leader", "follower"])


async def test_what_the_load_asks_of_others_has_not_the_leader_s_deadline() -> None:
    """The one of its request either; the request keeps its own."""
    seen: list[float | None] = []

    async def load(_: Operation) -> str:
        seen.append(current_deadline_s())
        return "reply"

    deadline_var.set(0.5)
    await coalescing()(ITEM, load)
    assert (seen, current_deadline_s()) == ([None], 0.5)


async def test_each_waits_no_longer_than_its_own_deadline() -> None:
    """Pitfall: unbounded waits. A follower gives up on time; when it was the last, so does the load."""
    layer, hanging = coalescing(), Hanging()
    start_s = now_s()
    with pytest.raises(WaitTimedOut):
        await layer(operation(name="item", key="42", deadline_s=start_s + 0.5), hanging)
    assert now_s() - start_s == pytest.approx(0.5)
    await settle()
    assert (hanging.cancelled, others()) == (1, set())


async def test_without_time_left_no_load_is_started() -> None:
    """Not even for a moment."""
    teller, origin = RecordingTeller(), Dependency()
    with pytest.raises(WaitTimedOut):
        await coalescing(teller)(operation(name="item", key="42", deadline_s=now_s()), origin)
    await settle()
    assert (origin.calls, teller.names) == ([], ["wait_timed_out"])


async def test_a_load_that_hangs_is_given_up() -> None:
    """It has a bound of its own, for callers that have none; all get the same error and the key is free again."""
    teller, hanging = RecordingTeller(), Hanging()
    layer = coalescing(teller, load_timeout_s=10.0)
    results = await outcomes(layer(ITEM, hanging) for _ in range(3))
    assert [type(result) for result in results] == [LoadTimedOut] * 3
    assert now_s() == pytest.approx(10.0)
    assert teller.names[-1] == "load_timed_out"
    assert await layer(ITEM, Dependency()) == "reply"


async def test_someone_elses_timeout_is_not_claimed() -> None:
    """A TimeoutError from within passes as it is."""
    with pytest.raises(TimeoutError) as caught:
        await coalescing()(ITEM, Dependency(TimeoutError("inner")))
    assert type(caught.value) is TimeoutError


async def test_a_load_cancelled_from_elsewhere_does_not_look_like_the_callers_own_end() -> None:
    """Those who wait were not cancelled: for them it is a failure."""
    with pytest.raises(Failed, match="cancelled"):
        await coalescing()(ITEM, Dependency(asyncio.CancelledError()))


async def test_what_the_load_sets_does_not_reach_the_leader() -> None:
    """Pitfall: leader's context shared. The load sees what its first caller had set, in a copy."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    seen: list[str] = []

    async def load(_: Operation) -> str:
        seen.append(variable.get())
        variable.set("by the load")
        return "reply"

    variable.set("by the leader")
    await coalescing()(ITEM, load)
    assert (seen, variable.get()) == (["by the leader"], "by the leader")


async def test_an_error_nobody_waited_for_is_not_reported() -> None:
    """An abandoned load may fail while it ends; asyncio's complaint about unseen exceptions would be noise."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, details: complaints.append(details))

    async def fails_to_end(_: Operation) -> str:
        try:
            await asyncio.sleep(100)
        finally:
            raise failed()

    layer = coalescing()
    caller = asyncio.create_task(layer(ITEM, fails_to_end))
    await settle()
    await cancel(caller)
    await settle()
    del caller  # Its error's traceback keeps the load's task, and with it the complaint.
    gc.collect()
    assert complaints == []
    assert layer._loads == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"key": "42"}, {"key": "43"}),
        ({"name": "item"}, {"name": "price"}),
        ({"dependency": "catalog-1"}, {"dependency": "catalog-2"}),
        ({"key": "tenant-1/42"}, {"key": "tenant-2/42"}),
    ],
)
async def test_different_things_are_loaded_apart(one: dict[str, str], other: dict[str, str]) -> None:
    """Pitfall: key lacking what the answer depends on. Dependency, name and the whole key tell loads apart."""
    layer, origin = coalescing(), Dependency("first", "second", latency_s=1.0)
    asked = [operation(**{"name": "item", "key": "42", **changes}) for changes in (one, other)]
    assert await outcomes(layer(each, origin) for each in asked) == ["first", "second"]


@pytest.mark.parametrize(
    "changes", [{"key": ""}, {"key": "42", "idempotent": False}, {"key": "42", "entry": found(fresh_s=0.1)}]
)
async def test_what_is_no_load_is_passed_through(changes: dict[str, Any]) -> None:
    """Two orders that look alike are two orders; a fresh entry needs no load."""
    teller, origin = RecordingTeller(), Dependency(latency_s=1.0)
    layer, asked = coalescing(teller), operation(deadline_s=9.0, **changes)
    await outcomes([layer(asked, origin), layer(asked, origin)])
    assert (origin.calls, teller.names) == ([asked, asked], [])


async def test_the_flights_are_bounded() -> None:
    """Beyond the bound callers load for themselves, under their own deadlines."""
    teller, origin = RecordingTeller(), Dependency(latency_s=1.0)
    layer = coalescing(teller, flights_max=2)
    asked = [operation(name="item", key=key, deadline_s=9.0) for key in ("1", "2", "3", "3", "1")]
    assert await outcomes(layer(each, origin) for each in asked) == ["reply"] * 5
    assert teller.names == ["leader", "leader", "uncoalesced", "uncoalesced", "follower"]
    assert [call.deadline_s for call in origin.calls] == [9.0, 9.0, None, None]
    assert (layer._flights, layer._loads) == ({}, set())


@pytest.mark.parametrize("numbers", [{"load_timeout_s": 0}, {"flights_max": 0}])
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any]) -> None:
    """A load without a bound, or no loads at all."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(numbers))):
        msgspec.convert(numbers, CoalescingConfig)
