"""Work for callers who have left: a retry storm lives on it, and the deadline defence ends it."""

import asyncio
from contextvars import Context
from random import Random

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from rulezero.service.deadline import DeadlineLayer
from rulezero.service.observed import ObservedLayer
from rulezero.service.slots import SlotsLayer
from rulezero.toggles.store import ToggleStore
from tests.counters import Change
from tests.defences.fakes import now_s, settle
from tests.service.asgi import Answer, Client, scope_of
from tests.service.stacks import admission_stack

TIMEOUT_S, SLOTS, SERVICE_S = 0.5, 7, 0.1
LOAD_RPS = 0.93 * SLOTS / SERVICE_S
STALL = (5.0, 7.0)
END_S, LAST_S = 40.0, 10.0  # Looked at: the last ten seconds.


async def answering(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
    start_s, end_s = STALL
    if start_s <= now_s() < end_s:
        await asyncio.sleep(end_s - now_s())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})


def service(
    *, enabled: bool, slots: int = SLOTS, service_s: float = SERVICE_S, app: ASGIApp = answering
) -> ObservedLayer:
    store = ToggleStore(None, clock=now_s)
    store.override({"defences": {"deadline": {"enabled": enabled}}, "expires_s": 3600})
    work = SlotsLayer(
        app,
        slots=slots,
        service_s=service_s,
        random=Random(0),
        admission=admission_stack(store),
        service_cv=0.0,
    )
    return ObservedLayer(DeadlineLayer(work, store=store))


class Asked:
    """A request on a connection and in a task of its own, as in production: it does not end when its caller leaves."""

    def __init__(self, served: ObservedLayer, *, body: bytes = b"", milliseconds: int | None = None) -> None:
        headers = {} if milliseconds is None else {"X-Deadline-Ms": str(milliseconds)}
        self.client = Client([body])
        serving = served(scope_of("POST", "/", headers), self.client.receive, self.client.send)
        self.task = asyncio.create_task(serving, context=Context())

    async def answered(self, within_s: float) -> Answer | None:
        """Return the answer; who gets none in time leaves."""
        await asyncio.wait({self.task}, timeout=within_s)
        if not self.task.done():
            self.client.leave()
            return None
        return self.client.answer


async def user(served: ObservedLayer) -> bool:
    """Ask, and once more after a timeout; return whether there was an answer."""
    for _ in range(2):
        asked = Asked(served, milliseconds=int(1000 * TIMEOUT_S))
        answer = await asked.answered(TIMEOUT_S)
        if answer is not None and answer.headers.get("x-outcome") != "timeout":
            return answer.status == 200
    return False


async def share_answered_at_last(*, enabled: bool, seed: int) -> float:
    """Return the share of users that were answered in the last seconds of a run with a stall at its beginning."""
    random, served = Random(seed), service(enabled=enabled)
    users: list[tuple[float, asyncio.Task[bool]]] = []
    while now_s() < END_S:
        users.append((now_s(), asyncio.create_task(user(served))))
        await asyncio.sleep(random.expovariate(LOAD_RPS))
    last = [await task for start_s, task in users if start_s > END_S - LAST_S]
    return sum(last) / len(last)


@pytest.mark.parametrize("seed", range(3))
async def test_without_the_deadline_a_retry_storm_never_ends(seed: int) -> None:
    """7 % to spare and one retry for each timeout: after a stall of 2 s the line serves the dead, for ever."""
    wasted_s = Change("concurrency_wasted_seconds_total", resource="slots")
    assert await share_answered_at_last(enabled=False, seed=seed) < 0.2, f"seed {seed}"
    assert wasted_s() > 0.8 * SLOTS * (END_S - STALL[1]), f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
async def test_with_the_deadline_a_retry_storm_ends_and_no_slot_time_is_wasted(seed: int) -> None:
    """What was under way when the service stalled is cut off; after that everybody who is begun is answered."""
    wasted_s = Change("concurrency_wasted_seconds_total", resource="slots")
    assert await share_answered_at_last(enabled=True, seed=seed) > 0.98, f"seed {seed}"
    assert wasted_s() < 1.3 * SLOTS * (STALL[1] - STALL[0]), f"seed {seed}"


def decided(decision: str) -> Change:
    labels = {"family": "admission", "defence": "deadline", "decision": decision, "dependency": "self"}
    return Change("defence_decisions_total", **labels)


class Noting:
    """An app that takes a second, reads the body and notes it."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.work_s = status, 1.0
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's names.
        self.bodies.append((await receive()).get("body", b""))
        await asyncio.sleep(self.work_s)
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})


@pytest.mark.parametrize("enabled", [True, False])
async def test_who_left_while_in_line_is_dropped_by_the_deadline_defence_alone(*, enabled: bool) -> None:
    """Nobody else looks: the naive service works for all of them. Bodies of those who stay are read as they came."""
    app, dropped, gone = Noting(), decided("dropped"), Change("work_abandoned_total", reason="client_gone")
    closed = Change(
        "http_server_request_duration_seconds_count",
        http_request_method="POST",
        http_route="unmatched",
        http_response_status_code="499",
    )
    served = service(enabled=enabled, slots=1, service_s=0.0, app=app)
    asked = [Asked(served, body=b"%d" % number) for number in range(5)]
    await settle()
    for leaving in (asked[1], asked[3]):
        leaving.client.leave()
    await asyncio.gather(*(one.task for one in asked))
    assert [one.client.answer.body for one in (asked[0], asked[2], asked[4])] == [b"x"] * 3
    if enabled:
        assert (app.bodies, now_s()) == ([b"0", b"2", b"4"], 3)
        assert (dropped(), gone(), closed()) == (2, 0, 2)
    else:
        # The server forgets a body with its client.
        assert (app.bodies, dropped(), gone(), closed()) == ([b"0", b"", b"2", b"", b"4"], 0, 2, 0)


async def test_too_little_time_after_the_line_is_a_refusal_and_no_work() -> None:
    """Rejected, which callers do not repeat; nothing was begun, so nothing was abandoned."""
    app, refused, abandoned = (
        Noting(),
        decided("refused_in_line"),
        Change("work_abandoned_total", reason="deadline"),
    )
    served = service(enabled=True, slots=1, service_s=0.0, app=app)
    await Asked(served).task
    first, second = Asked(served), Asked(served, milliseconds=1500)
    await asyncio.gather(first.task, second.task)
    answer = second.client.answer
    assert (answer.status, answer.headers["x-outcome"]) == (503, "rejected")
    assert (len(app.bodies), refused(), abandoned()) == (2, 1, 0)


async def test_only_work_that_was_begun_is_abandoned_at_the_deadline() -> None:
    """Of three cut off at the same instant one had a slot; the others had only waited. All three answers say why."""
    app, abandoned = Noting(), Change("work_abandoned_total", reason="deadline")
    served = service(enabled=True, slots=1, service_s=0.0, app=app)
    asked = [Asked(served, milliseconds=500) for _ in range(3)]
    await asyncio.gather(*(one.task for one in asked))
    for one in asked:
        assert one.client.answer.status == 504
        assert one.client.answer.headers["x-deadline-passed"] == "true"
    assert abandoned() == 1


async def begun_after(seen: Noting, *, milliseconds: int | None, left_ms: int) -> bool:
    """Serve thirty requests one by one, then tell whether one who has queued is begun with so little left."""
    served = service(enabled=True, slots=1, service_s=0.0, app=seen)
    for _ in range(30):
        await Asked(served, milliseconds=milliseconds).task
    seen.work_s, seen.status = 0.05, 200
    before = len(seen.bodies)
    first, second = Asked(served), Asked(served, milliseconds=left_ms)
    await asyncio.gather(first.task, second.task)
    return len(seen.bodies) - before == 2


async def test_requests_that_were_cut_off_count_as_long_ones() -> None:
    """Learned from survivors alone the usual time would be that of the lucky ones: here, none."""
    assert not await begun_after(Noting(), milliseconds=400, left_ms=350)
    assert await begun_after(Noting(), milliseconds=400, left_ms=600)


@pytest.mark.parametrize(("status", "begun"), [(500, True), (503, True), (504, False), (200, False), (404, False)])
async def test_failures_say_nothing_about_how_long_work_takes_but_a_timeout_does(status: int, *, begun: bool) -> None:
    """An error may come at once or late; what ran out of time took at least so long."""
    assert await begun_after(Noting(status), milliseconds=None, left_ms=500) is begun
