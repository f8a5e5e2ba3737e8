import asyncio
from random import Random
from typing import Any

import pytest
from prometheus_client import REGISTRY

from rulezero.calls import Operation
from rulezero.defences import CATALOGUE
from rulezero.defences.bulkhead import BulkheadFull
from rulezero.defences.circuit_breaker import BreakerOpen
from rulezero.defences.context import Family
from rulezero.defences.timeout import AttemptTimedOut
from rulezero.outcome import CallError, Failed
from rulezero.toggles.stacks import Stack
from rulezero.toggles.store import ToggleStore
from tests.defences.fakes import Dependency, Hanging, RecordingTeller, failed, found, operation, outcomes, settle
from tests.defences.test_bounded_stream import FakeQueue
from tests.toggles.manual import store_on

OPERATION = Operation(name="charge", dependency="payment")


class Tellers:
    """Makes tellers and remembers for whom."""

    def __init__(self) -> None:
        self.made: list[tuple[Family, str, str]] = []

    def __call__(self, family: Family, defence: str, dependency: str) -> RecordingTeller:
        self.made.append((family, defence, dependency))
        return RecordingTeller()


def stack_of(store: ToggleStore, *, dependency: str = "payment", family: Family = "call") -> tuple[Stack, Tellers]:
    tellers = Tellers()
    stack = Stack(store, family=family, dependency=dependency, caller="edge", random=Random(0), make_teller=tellers)
    return stack, tellers


def override(store: ToggleStore, **tables: dict[str, Any]) -> None:
    on = {name: {"enabled": True, **table} for name, table in tables.items()}
    store.override({"preset": "none", "defences": on, "expires_s": 3600})


async def test_with_everything_off_the_call_goes_straight_through() -> None:
    """No defence is even made."""
    store, _ = store_on()
    stack, tellers = stack_of(store)
    dependency = Dependency("reply")
    assert await stack.call(OPERATION, dependency) == "reply"
    assert dependency.calls == [OPERATION]
    assert tellers.made == []
    assert stack.empty


async def test_whether_it_is_empty_follows_every_change() -> None:
    """Also when nobody calls, and only for the family at hand."""
    store, clock = store_on()
    stack, _ = stack_of(store)
    override(store, coalescing={})
    assert stack.empty
    override(store, timeout={})
    assert not stack.empty
    clock.now_s += 3600
    assert stack.empty


@pytest.mark.parametrize("family", ["admission", "call", "cache", "delivery"])
async def test_a_stack_has_the_defences_of_its_family_in_the_order_of_the_catalogue(family: Family) -> None:
    """Each told apart by family, defence and dependency."""
    store, _ = store_on()
    store.override({"preset": "all", "expires_s": 60})
    stack, tellers = stack_of(store, family=family)
    await stack.call(OPERATION, Dependency())
    expected = [(family, defence.name, "payment") for defence in CATALOGUE if defence.family == family]
    assert tellers.made == expected
    assert expected


async def test_the_order_of_the_catalogue_is_the_order_of_the_layers() -> None:
    """Retry outside the timeout: each attempt has a time of its own."""
    store, _ = store_on()
    override(store, timeout={"timeout_s": 1.0}, retry={"attempts_max": 3, "base_s": 0.001})
    stack, _ = stack_of(store)
    dependency = Hanging()
    with pytest.raises(AttemptTimedOut):
        await stack.call(OPERATION, dependency)
    assert [one.attempt for one in dependency.calls] == [1, 2, 3]
    assert dependency.cancelled == 3


async def test_a_change_holds_from_the_next_call_on() -> None:
    """A call that is under way ends as it began."""
    store, clock = store_on()
    stack, _ = stack_of(store)
    dependency = Dependency(latency_s=5)
    under_way = asyncio.create_task(stack.call(OPERATION, dependency))
    await settle()
    override(store, timeout={"timeout_s": 1.0})
    with pytest.raises(AttemptTimedOut):
        await stack.call(OPERATION, dependency)
    assert await under_way == "reply"
    clock.now_s += 3600
    assert await stack.call(OPERATION, dependency) == "reply"


async def test_a_defence_keeps_its_state_when_another_is_toggled() -> None:
    """An open breaker stays open, also when an unrelated number changes."""
    store, _ = store_on()
    breaker = {"volume_min": 2, "window_s": 100, "open_s": 100, "open_max_s": 100}
    override(store, circuit_breaker=breaker)
    stack, tellers = stack_of(store)
    dependency = Dependency(failed())
    await outcomes(stack.call(OPERATION, dependency) for _ in range(2))
    changes: list[dict[str, dict[str, Any]]] = [{"timeout": {}}, {"timeout": {"timeout_s": 3.0}, "bulkhead": {}}, {}]
    for others in changes:
        override(store, circuit_breaker=breaker, **others)
        with pytest.raises(BreakerOpen):
            await stack.call(OPERATION, dependency)
    assert len(dependency.calls) == 2
    assert [defence for _, defence, _ in tellers.made].count("circuit_breaker") == 1


async def test_a_defence_whose_numbers_change_or_that_was_off_starts_anew() -> None:
    """Old counts say nothing about new thresholds."""
    store, _ = store_on()
    override(store, circuit_breaker={"volume_min": 2, "open_s": 9.0})
    stack, _ = stack_of(store)
    dependency = Dependency(failed())
    await outcomes(stack.call(OPERATION, dependency) for _ in range(2))
    override(store, circuit_breaker={"volume_min": 2, "open_s": 8.0})
    with pytest.raises(Failed):
        await stack.call(OPERATION, dependency)
    await outcomes([stack.call(OPERATION, dependency)])
    with pytest.raises(BreakerOpen):
        await stack.call(OPERATION, dependency)
    store.clear_override()
    await outcomes([stack.call(OPERATION, dependency)])
    override(store, circuit_breaker={"volume_min": 2, "open_s": 8.0})
    with pytest.raises(Failed):
        await stack.call(OPERATION, dependency)


async def test_what_runs_in_the_background_survives_a_change_and_ends_with_the_stack() -> None:
    """A renewal is finished though its defence has been switched off; closing ends it."""
    store, _ = store_on()
    stale = operation(key="42", entry=found(fresh_s=-1.0))
    for closed in (False, True):
        override(store, stale_while_revalidate={})
        stack, _ = stack_of(store, family="cache")
        dependency = Dependency(latency_s=5)
        assert await stack.call(stale, dependency) == "found"
        override(store, stale_while_revalidate={"stale_s": 99.0})
        await stack.call(operation(), Dependency())
        assert dependency.running == 1
        if closed:
            await stack.close()
        else:
            await asyncio.sleep(6)
        assert (dependency.running, dependency.cancelled) == (0, int(closed))


async def test_each_dependency_has_its_own_numbers() -> None:
    """And one that the file does not name has the common ones."""
    store, _ = store_on()
    override(store, bulkhead={"permits": 3, "dependency": {"payment": {"permits": 1}}})
    for dependency, permits in [("payment", 1), ("catalog", 3)]:
        stack, _ = stack_of(store, dependency=dependency)
        ended = await outcomes(stack.call(OPERATION, Dependency(latency_s=1)) for _ in range(5))
        assert [isinstance(one, BulkheadFull) for one in ended].count(False) == permits


async def test_changed_numbers_of_one_dependency_leave_the_others_as_they_are() -> None:
    """Only that stack makes its defence anew."""
    store, _ = store_on()
    stacks = {name: stack_of(store, dependency=name) for name in ("payment", "catalog")}
    for permits in (1, 2):
        override(store, bulkhead={"permits": 9, "dependency": {"payment": {"permits": permits}}})
        for stack, _ in stacks.values():
            await stack.call(OPERATION, Dependency())
    assert {name: len(tellers.made) for name, (_, tellers) in stacks.items()} == {"payment": 2, "catalog": 1}


async def test_calls_and_changes_at_random_always_end_in_a_reply_or_a_call_error() -> None:
    """Toggling under load breaks nothing: a bulkhead that was replaced gives back permits that are its own."""
    random = Random(3)
    store, _ = store_on()
    stack, _ = stack_of(store)
    running: list[asyncio.Task[Any]] = []
    for _ in range(300):
        tables: dict[str, dict[str, Any]] = {}
        if random.random() < 0.5:
            tables["bulkhead"] = {"permits": random.choice([2, 50]), "queue_max": 5, "wait_s": 0.5}
        if random.random() < 0.5:
            tables["timeout"] = {"timeout_s": random.choice([0.5, 2.0])}
        if random.random() < 0.3:
            tables["circuit_breaker"] = {"volume_min": 5}
        override(store, **tables)
        running.append(asyncio.create_task(stack.call(OPERATION, Dependency(latency_s=random.random()))))
        if random.random() < 0.1:
            random.choice(running).cancel()
        await asyncio.sleep(random.random() / 10)
    ended = await asyncio.gather(*running, return_exceptions=True)
    assert all(one == "reply" or isinstance(one, CallError | asyncio.CancelledError) for one in ended)
    override(store, bulkhead={"permits": 7})
    last = await outcomes(stack.call(OPERATION, Dependency(latency_s=1)) for _ in range(9))
    assert last.count("reply") == 7


async def test_the_gauges_of_a_defence_that_is_off_are_gone() -> None:
    """Also when a call that is under way has something to tell; those of one that was replaced are the new one's."""
    store, _ = store_on()
    stack = Stack(store, family="call", dependency="gone", caller="edge", random=Random(0))

    def gauges() -> tuple[float | None, ...]:
        resource = {"resource": "bulkhead:gone"}
        return (
            REGISTRY.get_sample_value("circuit_breaker_state", {"dependency": "gone"}),
            REGISTRY.get_sample_value("concurrency_limit", resource),
            REGISTRY.get_sample_value("concurrency_in_use", resource),
        )

    override(store, circuit_breaker={"volume_min": 1}, bulkhead={"permits": 3})
    under_way = asyncio.create_task(stack.call(OPERATION, Dependency(failed(), latency_s=1.0)))
    await settle()
    assert gauges() == (0.0, 3.0, 1.0)
    override(store, circuit_breaker={"volume_min": 1}, bulkhead={"permits": 4})
    assert not stack.empty
    assert gauges() == (0.0, 4.0, 0.0)
    override(store)
    assert stack.empty
    await outcomes([under_way])
    assert gauges() == (None, None, None)


async def test_a_defence_that_set_something_takes_it_back_when_it_is_off() -> None:
    """Or replaced, before its successor sets its own; also when nobody calls, as soon as somebody looks."""
    queue = FakeQueue()
    store, clock = store_on()
    stack = Stack(store, family="delivery", dependency="mails", caller="checkout", random=Random(0), queue=queue)
    for max_msgs in (3, 3, 9):
        override(store, bounded_stream={"max_msgs": max_msgs})
        assert not stack.empty
    clock.now_s += 3600
    assert stack.empty
    assert queue.bounds == [3, None, 9, None]
