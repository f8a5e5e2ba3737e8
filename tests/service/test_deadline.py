import asyncio
from random import Random

import pytest
from starlette.types import Receive, Scope, Send

from rulezero.defences.deadline import to_header
from rulezero.request_context import current_deadline_s
from rulezero.service.deadline import DeadlineLayer
from rulezero.service.slots import SlotsLayer
from rulezero.toggles.store import ToggleStore
from tests.counters import Change
from tests.defences.fakes import now_s
from tests.service.asgi import Answer, Client, ask, scope_of
from tests.service.stacks import admission_stack


class Working:
    """An app that takes a while and notes the deadline that it sees."""

    def __init__(self, work_s: float = 0.0) -> None:
        self.work_s = work_s
        self.seen: list[float | None] = []
        self.finished = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's names.
        self.seen.append(current_deadline_s())
        await asyncio.sleep(self.work_s)
        self.finished += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


def store_with(*, enabled: bool, margin_s: float = 0.01) -> ToggleStore:
    store = ToggleStore(None, clock=now_s)
    tables = {"deadline": {"enabled": enabled, "margin_s": margin_s}}
    store.override({"defences": tables, "expires_s": 3600})
    return store


def decisions(decision: str) -> Change:
    return Change(
        "defence_decisions_total", family="admission", defence="deadline", decision=decision, dependency="self"
    )


async def within(app: Working, milliseconds: str, *, enabled: bool = True, margin_s: float = 0.01) -> Answer:
    layer = DeadlineLayer(app, store=store_with(enabled=enabled, margin_s=margin_s))
    return await ask(layer, "GET", "/", headers={"X-Deadline-Ms": milliseconds})


async def test_switched_off_it_passes_everything_through() -> None:
    """A header is not even read, and no deadline is handed on."""
    app = Working(work_s=60)
    for text in ("0", "100", "-5", "garbage"):
        assert (await within(app, text, enabled=False)).status == 200
    assert app.seen == [None] * 4


async def test_without_a_header_there_is_no_deadline() -> None:
    """The caller waits for ever."""
    app = Working(work_s=60)
    assert (await ask(DeadlineLayer(app, store=store_with(enabled=True)), "GET", "/")).status == 200
    assert app.seen == [None]


@pytest.mark.parametrize(
    "text", ["", "soon", "1e3", "nan", "inf", "-", "1,5", "0x10", "1" * 500, "\uff11", "100 ms", "\xb2"]
)
async def test_a_header_that_is_no_number_is_no_deadline(text: str) -> None:
    """A caller that cannot count is served, not refused."""
    app = Working(work_s=60)
    layer = DeadlineLayer(app, store=store_with(enabled=True))
    scope = scope_of("GET", "/")
    scope["headers"] = [(b"x-deadline-ms", text.encode("utf-8"))]
    client = Client()
    await layer(scope, client.receive, client.send)
    assert client.answer.status == 200
    assert app.seen == [None]


async def test_the_app_sees_the_instant_less_the_margin() -> None:
    """The margin is for the way back; a huge wish is cut to an hour."""
    app = Working()
    await asyncio.sleep(5)
    await within(app, "1500", margin_s=0.25)
    await within(app, "99999999999", margin_s=0.0)
    assert app.seen == [pytest.approx(5 + 1.5 - 0.25), pytest.approx(5 + 3600)]


@pytest.mark.parametrize("text", ["0", "-1", "10", "9.5"])
async def test_a_request_that_is_late_on_arrival_is_refused_before_any_work(text: str) -> None:
    """What is left does not exceed the margin."""
    app, refused = Working(), decisions("refused")
    answer = await within(app, text)
    assert (answer.status, answer.headers["x-outcome"]) == (504, "timeout")
    assert app.seen == []
    assert refused() == 1


async def test_work_is_stopped_at_the_deadline() -> None:
    """To the instant, and counted; the work itself is cancelled. The answer says that it was this deadline."""
    app, expired = Working(work_s=60), decisions("expired")
    answer = await within(app, "1000", margin_s=0.0)
    assert (answer.status, answer.headers["x-outcome"]) == (504, "timeout")
    assert now_s() == pytest.approx(1)
    assert app.finished == 0
    assert answer.headers["x-deadline-passed"] == "true"
    assert expired() == 1


async def test_work_that_ends_in_time_is_answered() -> None:
    """And the deadline is not handed on to what the server does next."""
    accepted, expired = decisions("accepted"), decisions("expired")
    answer = await within(Working(work_s=0.9), "1000", margin_s=0.0)
    assert (answer.status, answer.body) == (200, b"done")
    assert current_deadline_s() is None
    assert (accepted(), expired()) == (1, 0)


async def test_who_waits_in_line_leaves_it_at_the_deadline() -> None:
    """A slot that comes free later is not spent on it, and the next in line gets it."""
    app = Working(work_s=2)
    store = store_with(enabled=True, margin_s=0.0)
    slots = SlotsLayer(app, slots=1, service_s=0.0, random=Random(0), admission=admission_stack(store))
    layer = DeadlineLayer(slots, store=store)
    asked = [ask(layer, "GET", "/", headers={"X-Deadline-Ms": left}) for left in ("5000", "1000", "4500")]
    first, second, third = await asyncio.gather(*asked)
    assert [first.status, second.status, third.status] == [200, 504, 200]
    assert second.headers["x-outcome"] == "timeout"
    assert now_s() == pytest.approx(4)
    assert len(app.seen) == 2


async def test_time_spent_in_the_line_is_deducted_from_what_travels_on() -> None:
    """Pitfall: queue time not deducted. After 0.3 s in the line 0.4 of 0.7 s are left for those further down."""
    left_ms: list[str] = []

    async def calling(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        left_ms.append(to_header(current_deadline_s() or 0.0, now_s()))
        await asyncio.sleep(0.3 if len(left_ms) == 1 else 0.0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    store = store_with(enabled=True, margin_s=0.0)
    slots = SlotsLayer(calling, slots=1, service_s=0.0, random=Random(0), admission=admission_stack(store))
    layer = DeadlineLayer(slots, store=store)
    await asyncio.gather(*(ask(layer, "GET", "/", headers={"X-Deadline-Ms": left}) for left in ("900", "700")))
    assert left_ms[1] in {"399", "400"}


async def test_who_has_not_queued_is_always_tried() -> None:
    """So a service that was slow for a while learns that it is fast again, instead of refusing for ever."""
    app = Working(work_s=10)
    store = store_with(enabled=True, margin_s=0.0)
    slots = SlotsLayer(app, slots=1, service_s=0.0, random=Random(0), admission=admission_stack(store))
    layer = DeadlineLayer(slots, store=store)
    await ask(layer, "GET", "/", headers={"X-Deadline-Ms": "20000"})
    app.work_s = 0.1
    statuses = [(await ask(layer, "GET", "/", headers={"X-Deadline-Ms": "500"})).status for _ in range(200)]
    assert statuses == [200] * 200
    both = await asyncio.gather(*(ask(layer, "GET", "/", headers={"X-Deadline-Ms": "500"}) for _ in range(2)))
    assert [one.status for one in both] == [200, 200]


async def test_a_timeout_of_the_app_s_own_is_not_taken_for_the_deadline() -> None:
    """It is an error of the app."""

    async def timing_out(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        async with asyncio.timeout(0.5):
            await asyncio.sleep(60)

    layer, expired = DeadlineLayer(timing_out, store=store_with(enabled=True)), decisions("expired")
    with pytest.raises(TimeoutError):
        await ask(layer, "GET", "/", headers={"X-Deadline-Ms": "5000"})
    assert expired() == 0


async def test_an_answer_that_has_begun_is_broken_off_not_begun_again() -> None:
    """The server would refuse a second beginning; so the caller must see the first cut short."""

    async def trickling(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    layer, client = DeadlineLayer(trickling, store=store_with(enabled=True)), Client()
    with pytest.raises(TimeoutError):
        await layer(scope_of("GET", "/", {"X-Deadline-Ms": "1000"}), client.receive, client.send)
    assert [one["type"] for one in client.answer.messages] == ["http.response.start"]


async def test_a_cancelled_request_stays_cancelled() -> None:
    """The server shuts down: that is no deadline."""
    layer = DeadlineLayer(Working(work_s=60), store=store_with(enabled=True))
    task = asyncio.create_task(ask(layer, "GET", "/", headers={"X-Deadline-Ms": "5000"}))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
