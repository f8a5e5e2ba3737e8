import asyncio
from random import Random
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from rulezero.outcome import Outcome
from rulezero.service import slots as slots_module
from rulezero.service.answers import answer_outcome
from rulezero.service.slots import Slots, SlotsLayer
from tests.counters import Change
from tests.defences.fakes import cancel, now_s, settle
from tests.service.asgi import Answer, ask
from tests.service.stacks import admission_stack


async def empty(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def hold(slots: Slots, name: int, order: list[int], *, work_s: float = 1.0) -> None:
    taken_s = await slots.acquire()
    try:
        order.append(name)
        await asyncio.sleep(work_s)
    finally:
        slots.release(taken_s)


async def test_so_many_run_at_a_time_and_the_rest_wait_in_order() -> None:
    """First come, first served; 10 of one second each through 2 slots take 5 s."""
    slots, order = Slots(2, resource="test"), list[int]()
    await asyncio.gather(*(hold(slots, name, order) for name in range(10)))
    assert order == list(range(10))
    assert now_s() == 5


async def test_a_newcomer_does_not_overtake_the_line() -> None:
    """Not even in the instant in which a slot changes hands."""
    slots, order = Slots(1, resource="test"), list[int]()
    taken_s = await slots.acquire()
    waiting = asyncio.create_task(hold(slots, 1, order))
    await settle()
    slots.release(taken_s)
    await asyncio.gather(waiting, hold(slots, 2, order))
    assert order == [1, 2]


async def test_a_waiter_that_is_cancelled_takes_no_slot_and_loses_none() -> None:
    """Whether it still waited or had just been given one."""
    slots, order = Slots(1, resource="test"), list[int]()
    taken_s = await slots.acquire()
    first, second, third = (asyncio.create_task(hold(slots, name, order)) for name in (1, 2, 3))
    await settle()
    await cancel(first)
    slots.release(taken_s)  # Hands the slot to the second, which does not know yet.
    second.cancel()
    await third
    assert order == [3]
    assert second.cancelled()
    await asyncio.wait_for(slots.acquire(), 1)


async def test_a_slot_is_passed_over_a_waiter_that_is_being_cancelled() -> None:
    """The cancellation comes first, the release before the waiter has noticed."""
    slots, order = Slots(1, resource="test"), list[int]()
    taken_s = await slots.acquire()
    first, second = (asyncio.create_task(hold(slots, name, order)) for name in (1, 2))
    await settle()
    first.cancel()
    slots.release(taken_s)
    await second
    assert order == [2]
    assert first.cancelled()
    assert slots.waiting == 0


@pytest.mark.parametrize("seed", range(5))
async def test_no_slot_is_lost_or_made_by_cancellations_at_random(seed: int) -> None:
    """Whatever the interleaving, never more than the limit run, and in the end all slots are free."""
    random, limit = Random(seed), 3
    slots, order = Slots(limit, resource="random"), list[int]()
    in_use = Change("concurrency_in_use", resource="random")
    running: list[asyncio.Task[None]] = []
    for name in range(400):
        running.append(asyncio.create_task(hold(slots, name, order, work_s=random.choice([0, 0.1, 1]))))
        if random.random() < 0.5:
            random.choice(running).cancel()
        if random.random() < 0.7:
            await asyncio.sleep(random.choice([0, 0, 0.1, 0.5]))
        assert in_use() <= limit
    ended = await asyncio.gather(*running, return_exceptions=True)
    assert all(one is None or isinstance(one, asyncio.CancelledError) for one in ended)
    assert len(order) > 50
    assert slots.waiting == in_use() == 0
    assert Change("concurrency_waiting", resource="random").value == 0
    for _ in range(limit):
        await asyncio.wait_for(slots.acquire(), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slots.acquire(), 1)


async def test_the_gauges_tell_limit_use_line_and_waiting_time() -> None:
    """By resource."""
    slots, order = Slots(2, resource="gauges"), list[int]()
    waited = Change("concurrency_wait_seconds_sum", resource="gauges")
    running = [asyncio.create_task(hold(slots, name, order)) for name in range(5)]
    await settle()
    gauges = [Change(f"concurrency_{name}", resource="gauges").value for name in ("limit", "in_use", "waiting")]
    assert gauges == [2, 2, 3]
    await asyncio.gather(*running)
    assert waited() == 0 + 0 + 1 + 1 + 2


async def test_how_long_slots_are_held_is_summed_up() -> None:
    """Without the wait for them: limit / mean is the capacity."""
    slots, order = Slots(2, resource="held"), list[int]()
    total_s, count = (Change(f"concurrency_hold_seconds_{name}", resource="held") for name in ("sum", "count"))
    await asyncio.gather(*(hold(slots, name, order, work_s=0.5) for name in range(10)))
    assert (total_s(), count()) == (5, 10)
    assert 2 / (total_s() / count()) == 10 / now_s()


def layer(app: object = empty, *, slots: int = 1, service_s: float = 0.0) -> SlotsLayer:
    served: Any = app
    return SlotsLayer(served, slots=slots, service_s=service_s, random=Random(1), admission=admission_stack())


async def test_the_capacity_is_slots_by_service_time() -> None:
    """8 slots of 50 ms serve 160 a second: 1,600 requests take about 10 s."""
    payment = layer(slots=8, service_s=0.05)
    await asyncio.gather(*(ask(payment, "GET", "/") for _ in range(1600)))
    assert 9 < now_s() < 11


async def test_the_service_time_is_random_but_the_same_for_the_same_seed() -> None:
    """So that arms can be compared."""
    ended: list[float] = []
    for _ in range(2):
        start_s, served = now_s(), layer(slots=1, service_s=1.0)
        await asyncio.gather(*(ask(served, "GET", "/") for _ in range(5)))
        ended.append(round(now_s() - start_s, 9))
    assert ended[0] == ended[1] != 5.0


async def test_without_a_service_time_an_idle_service_answers_at_once() -> None:
    """Its slots still bound what runs at a time."""
    assert (await ask(layer(), "GET", "/")).status == 204
    assert now_s() == 0


async def test_a_slot_is_free_again_when_the_app_fails_or_is_cancelled() -> None:
    """Else each failure would shrink the service."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        await asyncio.sleep(1)
        raise ZeroDivisionError

    served = layer(failing)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await ask(served, "GET", "/")
        await cancel(asyncio.create_task(ask(served, "GET", "/")))
    assert now_s() == 3


async def test_even_without_defences_the_line_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it a request is rejected at once."""
    monkeypatch.setattr(slots_module, "BACKLOG_MAX", 3)

    async def working(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1)
        await empty(scope, receive, send)

    served = layer(working)
    answers: list[Answer] = await asyncio.gather(*(ask(served, "GET", "/") for _ in range(6)))
    assert [one.status for one in answers] == [204, 204, 204, 204, 503, 503]
    assert answers[-1].headers["x-outcome"] == "rejected"


async def test_an_answer_that_cannot_be_sent_does_not_keep_the_slot() -> None:
    """The connection may break in the middle of it."""

    async def broken(message: object) -> None:  # noqa: ARG001 - the name is ASGI's.
        raise OSError

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        await answer_outcome(send, Outcome.ERROR, "no")

    served = layer(answering)
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011 - it is the one above.
            await served({"type": "http", "headers": []}, broken, broken)  # type: ignore[arg-type]  # Neither is used.
