"""Edge, checkout, payment: what a refusal, a deadline or a cancellation far down is to those above."""

import asyncio
from typing import Any, NamedTuple

import pytest

from rulezero.defences.circuit_breaker import BreakerOpen
from rulezero.outcome import CallError, Failed, NotSent, Outcome, Rejected, TimedOut
from rulezero.request_context import deadline_var
from tests.composition.hops import Handle, Service
from tests.defences.fakes import cancel, failed, now_s, outcomes

SERVICES = ["edge", "checkout", "payment"]
# At every layer, which is what makes refusals dear if they are retried.
EAGER = {"attempts_max": 3, "base_s": 0.1, "jitter": "none", "callers": SERVICES, "nested": True}


class Chain(NamedTuple):
    """The services and the user's call to the first of them."""

    edge: Service
    checkout: Service
    payment: Service
    call: Any


async def pay() -> str:
    return "paid"


def chain(work: Any = pay, *, payment: dict[str, Any] | None = None, slots: int = 100, **defences: Any) -> Chain:
    """Return a chain with the same defences everywhere, `payment` with these in addition."""
    last = Service("payment", work, {**defences, **(payment or {})}, slots=slots, service_s=0.1)
    middle = Service("checkout", pay, defences)
    middle._handle = middle.calls(last)
    first = Service("edge", pay, defences)
    first._handle = first.calls(middle)
    user = Service("user", pay, {"deadline": {}})
    return Chain(first, middle, last, user.calls(first))


async def test_all_is_well() -> None:
    """One request at each hop, and the answer comes back."""
    shop = chain(retry=EAGER, circuit_breaker={}, bulkhead={}, timeout={}, deadline={})
    assert await shop.call() == "paid"
    assert [one.received for one in (shop.edge, shop.checkout, shop.payment)] == [1, 1, 1]


async def test_a_failure_far_down_is_retried_by_every_layer_that_may() -> None:
    """The control of what follows: three attempts at each of two layers are nine at the bottom."""

    async def failing() -> None:
        raise failed()

    shop = chain(failing, retry=EAGER)
    with pytest.raises(Failed):
        await shop.call()
    assert [one.received for one in (shop.edge, shop.checkout, shop.payment)] == [1, 3, 9]


async def test_a_refusal_far_down_is_retried_nowhere() -> None:
    """Payment's queue is full: one request more for each call, not nine, and no breaker counts it as a failure."""
    shop = chain(payment={"bounded_queue": {"queue_max": 2}}, slots=1, retry=EAGER, circuit_breaker={"volume_min": 1})
    ends = await outcomes(shop.call() for _ in range(20))
    assert ends.count("paid") == 3
    refusals = [end for end in ends if end != "paid"]
    assert all(type(end) is Rejected for end in refusals)
    assert [one.received for one in (shop.edge, shop.checkout, shop.payment)] == [20, 20, 20]
    for service in (shop.edge, shop.checkout):
        assert service.names("retry") == ["not_retryable"] * 17
        assert service.tellers["circuit_breaker"].states == [0]


@pytest.mark.parametrize(
    "refusing",
    [
        {"bulkhead": {"permits": 1}},
        {"circuit_breaker": {"volume_min": 1, "open_s": 60.0, "open_max_s": 60.0}},
    ],
    ids=["bulkhead", "breaker"],
)
async def test_what_checkout_does_not_send_is_a_rejection_to_the_edge(refusing: dict[str, Any]) -> None:
    """`not_sent` is the word of the side that did not send; for the caller it was a service that said no."""
    broken = True

    async def work() -> str:
        await asyncio.sleep(1.0)
        if broken:
            raise failed()
        return "paid"

    shop = chain(work)
    shop.checkout.store.override(
        {"only": list(refusing), "defences": refusing, "expires_s": 3600},
    )
    shop.edge.store.override({"only": ["retry"], "defences": {"retry": EAGER}, "expires_s": 3600})
    first = asyncio.create_task(shop.call())
    await asyncio.sleep(0.5 if "bulkhead" in refusing else 1.2)  # Payment works, or has failed and is tried again.
    (refused,) = await outcomes([shop.checkout._handle()])
    assert isinstance(refused, NotSent)
    sent = shop.payment.received
    (told,) = await outcomes([shop.call()])
    assert type(told) is Rejected
    assert (told.outcome, told.retryable, told.definite) == (Outcome.REJECTED, False, False)
    assert shop.payment.received == sent
    assert shop.edge.names("retry")[-1] == "not_retryable"
    await cancel(first)


async def test_a_breaker_that_opened_ends_the_attempts_of_the_layer_above_too() -> None:
    """Checkout's breaker opens on the first failure: the edge's second attempt is refused, and there is no third."""

    async def failing() -> None:
        raise failed()

    shop = chain(failing)
    shop.checkout.store.override({"defences": {"circuit_breaker": {"enabled": True, "volume_min": 1}}, "expires_s": 60})
    shop.edge.store.override({"defences": {"retry": {"enabled": True, **EAGER}}, "expires_s": 60})
    with pytest.raises(CallError) as caught:
        await shop.call()
    assert not isinstance(caught.value, BreakerOpen)
    assert (shop.checkout.received, shop.payment.received) == (2, 1)


@pytest.mark.parametrize("deadline_s", [0.3, 0.55, 1.0])
async def test_one_deadline_holds_for_every_hop_queue_and_pause(deadline_s: float) -> None:
    """Payment is too slow and retried by both layers above: the user is answered in time, and nothing starts after."""

    async def slow() -> None:
        await asyncio.sleep(0.1)
        raise failed()

    shop = chain(slow, slots=1, retry=EAGER, deadline={"margin_s": 0.0})
    ended: list[float] = []

    async def user() -> None:
        deadline_var.set(deadline_s)
        try:
            await shop.call()
        finally:
            ended.append(now_s())

    ends = await outcomes(asyncio.create_task(user()) for _ in range(10))
    assert all(isinstance(end, Failed | TimedOut | NotSent) for end in ends)
    assert max(ended) <= deadline_s + 1e-6
    for service in (shop.edge, shop.checkout, shop.payment):
        assert max(service.arrived_s) < deadline_s
    received = shop.payment.received
    await asyncio.sleep(60)
    assert shop.payment.received == received


@pytest.mark.parametrize(("defences", "worked"), [({}, 10), ({"deadline": {}}, 1)], ids=["naive", "deadline"])
async def test_callers_who_leave_the_line_are_not_worked_for(defences: dict[str, Any], worked: int) -> None:
    """Payment drops them only with the deadline defence; no breaker counts them, and every slot comes free."""
    works: list[float] = []

    async def work() -> str:
        works.append(now_s())
        return "paid"

    shop = chain(work, slots=1, circuit_breaker={"volume_min": 1}, bulkhead={"permits": 50}, **defences)
    callers = [asyncio.create_task(asked(shop.checkout._handle)) for _ in range(10)]
    await asyncio.sleep(0.05)
    await cancel(*callers)
    await asyncio.gather(*shop.payment.serving)
    assert len(works) == worked
    slots = shop.payment.layer._app._slots  # type: ignore[attr-defined]  # The layer inside is the slots' own.
    assert (slots._free, slots.waiting) == (1, 0)
    start_s = now_s()
    assert await shop.call() == "paid"
    assert now_s() - start_s == pytest.approx(0.1)
    for service in (shop.edge, shop.checkout):
        assert service.tellers["circuit_breaker"].states == [0]


async def asked(call: Handle) -> Any:
    """Await a call: what a task is made of."""
    return await call()


async def asked_within(shop: Chain, left_s: float) -> Any:
    """Call the edge as a user who waits for so long."""
    deadline_var.set(now_s() + left_s)
    return await shop.call()


@pytest.mark.parametrize("held_back_by", ["circuit_breaker", "adaptive_throttle"])
@pytest.mark.parametrize("left_s", [0.04, 0.09])
async def test_a_client_with_tiny_deadlines_closes_the_shop_for_nobody(held_back_by: str, left_s: float) -> None:
    """The callee's word that time ran out comes before the caller's own timer: it tells of the client's hurry only."""
    defences: dict[str, Any] = {"deadline": {}, "retry": EAGER, held_back_by: {"volume_min": 5}}
    shop = chain(**defences)
    hurried = await outcomes(asyncio.create_task(asked_within(shop, left_s)) for _ in range(50))
    assert all(isinstance(end, CallError) for end in hurried)
    patient = await outcomes(asyncio.create_task(asked_within(shop, 5.0)) for _ in range(20))
    assert patient == ["paid"] * 20
    assert shop.payment.received == 70
    for service in (shop.edge, shop.checkout):
        assert "rejected" not in service.names(held_back_by)
        assert "scheduled" not in service.names("retry")


@pytest.mark.parametrize(("payment_s", "opened"), [(0.5, [0, 2]), (0.8, [0])])
async def test_the_middle_breaker_opens_if_its_timeout_comes_before_the_deadline(
    payment_s: float, opened: list[int]
) -> None:
    """Payment hangs. A timeout as long as the edge's never fires in checkout: its own caller's deadline comes first."""

    async def hanging() -> None:
        await asyncio.sleep(3600)

    timeouts = {"timeout_s": 0.8, "dependency": {"payment": {"timeout_s": payment_s}}}
    shop = chain(hanging, deadline={}, timeout=timeouts, circuit_breaker={"volume_min": 5})
    await outcomes(asyncio.create_task(asked_within(shop, 1.0)) for _ in range(10))
    assert shop.checkout.tellers["circuit_breaker"].states == opened
    assert shop.edge.tellers["circuit_breaker"].states == [0, 2]
