"""The defences at a service's own door: who is refused, how cheaply, and what a bounded line is good for."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from rulezero.defences.bounded_queue import QueueFull
from rulezero.service.slots import SlotsLayer
from rulezero.toggles.store import ToggleStore
from tests.counters import Change
from tests.defences.fakes import cancel, now_s, settle
from tests.service.asgi import Answer, Client, ask, scope_of
from tests.service.stacks import admission_stack

CAPACITY = 100  # Requests a second, of the service below.


def store_with(**bounded_queue: Any) -> ToggleStore:
    store = ToggleStore(None, clock=now_s)
    store.override({"defences": {"bounded_queue": {"enabled": True, **bounded_queue}}, "expires_s": 3600})
    return store


class Service:
    """One slot, 10 ms of work for each request."""

    def __init__(self, store: ToggleStore | None = None) -> None:
        self.reached_s: list[float] = []
        stack = admission_stack(store)
        self.layer = SlotsLayer(self._work, slots=1, service_s=0.0, random=None, admission=stack)  # type: ignore[arg-type]  # Nothing is drawn.

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the names are ASGI's.
        self.reached_s.append(now_s())
        await asyncio.sleep(1 / CAPACITY)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(self) -> Answer:
        return await ask(self.layer, "GET", "/")


def decisions(decision: str) -> Change:
    return Change(
        "defence_decisions_total",
        family="admission",
        defence="bounded_queue",
        decision=decision,
        dependency="slots",
    )


async def test_one_is_served_so_many_wait_and_the_rest_are_refused_at_once() -> None:
    """503, rejected, and the app is not reached."""
    service, admitted, rejected = Service(store_with(queue_max=3)), decisions("admitted"), decisions("rejected")
    asked = [asyncio.create_task(service.ask()) for _ in range(10)]
    await settle()
    refused = [one.result() for one in asked if one.done()]
    assert now_s() == 0
    assert [answer.status for answer in refused] == [503] * 6
    assert refused[0].headers["x-outcome"] == "rejected"
    assert "retry-after" not in refused[0].headers
    assert refused[0].data == {"error": "3 requests wait already"}
    answers = await asyncio.gather(*asked)
    assert [answer.status for answer in answers] == [204] * 4 + [503] * 6
    assert (len(service.reached_s), admitted(), rejected()) == (4, 4, 6)


async def test_a_refused_request_neither_waits_nor_holds_anything() -> None:
    """Nor is it seen by the gauges of the slots."""
    service = Service(store_with(queue_max=1))
    waited, held = (Change(f"concurrency_{name}_seconds_count", resource="slots") for name in ("wait", "hold"))
    await asyncio.gather(*(service.ask() for _ in range(50)))
    assert (waited(), held()) == (2, 2)


async def test_switched_off_nobody_is_refused_and_nothing_decided() -> None:
    """The line is as long as it was."""
    service, admitted = Service(), decisions("admitted")
    answers = await asyncio.gather(*(service.ask() for _ in range(200)))
    assert {answer.status for answer in answers} == {204}
    assert admitted() == 0


async def test_a_switch_holds_from_the_next_request_on() -> None:
    """Those in line already stay there."""
    store = store_with(enabled=False)
    service = Service(store)
    early = [asyncio.create_task(service.ask()) for _ in range(5)]
    await settle()
    store.override({"defences": {"bounded_queue": {"enabled": True, "queue_max": 2}}, "expires_s": 60})
    assert (await service.ask()).status == 503
    assert [answer.status for answer in await asyncio.gather(*early)] == [204] * 5
    assert (await service.ask()).status == 204


async def test_a_caller_who_leaves_the_line_makes_room_in_it() -> None:
    """The bound counts who waits, not who came."""
    service = Service(store_with(queue_max=2))
    asked = [asyncio.create_task(service.ask()) for _ in range(3)]
    await settle()
    await cancel(asked[1])
    late = asyncio.create_task(service.ask())
    assert [(await one).status for one in (asked[0], asked[2], late)] == [204] * 3


async def test_a_refusal_by_a_service_behind_is_not_answered_here() -> None:
    """It is the app's to translate, and what it began to send is not begun twice."""

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise QueueFull("behind")

    layer = SlotsLayer(refusing, slots=1, service_s=0.0, random=None, admission=admission_stack(store_with()))  # type: ignore[arg-type]  # Nothing is drawn.
    client = Client()
    with pytest.raises(QueueFull):
        await layer(scope_of("GET", "/"), client.receive, client.send)
    assert [message["type"] for message in client.answer.messages] == ["http.response.start"]


@pytest.mark.parametrize(("queue_max", "useful"), [(5, True), (15, True), (25, False), (100, False)])
async def test_a_bound_is_useful_only_below_capacity_times_patience(queue_max: int, useful: bool) -> None:  # noqa: FBT001 - a test's parameter.
    """The law K / C < T: at twice the capacity and 0.2 s of patience, 20 is the edge. Beyond it all work is late."""
    service, patience_s = Service(store_with(queue_max=queue_max)), 0.2

    async def caller() -> float:
        start_s = now_s()
        answer = await service.ask()
        return now_s() - start_s if answer.status == 204 else float("inf")

    callers = []
    for _ in range(1000):
        callers.append(asyncio.create_task(caller()))
        await asyncio.sleep(1 / (2 * CAPACITY))
    settled = (await asyncio.gather(*callers))[500:]
    good = sum(duration_s <= patience_s for duration_s in settled)
    assert (good > 240) if useful else (good == 0)
