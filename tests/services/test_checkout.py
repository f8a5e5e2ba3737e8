from typing import Any

import pytest

from rulezero.defences.bulkhead import BulkheadFull
from rulezero.dependencies.http import HttpReply
from rulezero.outcome import CallError, Failed, Rejected, TimedOut, Unreachable
from services.checkout.app import create_app
from tests.counters import Change
from tests.services.fakes import BAD_BODIES, Shop

ORDER = {"item": 3, "operation_id": "a-1"}


@pytest.fixture
def shop() -> Shop:
    shop = Shop(create_app)
    shop.databases["primary"].answers = {"place_order": [{"id": 7}]}
    shop.services["payment"].answer = HttpReply(status=201, body=b'{"charge":9}')
    return shop


def steps(shop: Shop) -> list[str]:
    return [name for _, name, _ in shop.log]


async def test_an_order_is_placed_then_charged_then_marked_as_paid(shop: Shop) -> None:
    """In this order: an order that nobody charged can be found, a charge without an order cannot."""
    accepted = Change("operations_accepted_total", operation="order")
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.data) == (201, {"order": 7})
    assert [(whom, name) for whom, name, _ in shop.log] == [
        ("primary", "place_order"),
        ("payment", "POST /charges"),
        ("primary", "mark_paid"),
    ]
    placed, charged, marked = (arguments for _, _, arguments in shop.log)
    assert placed[:2] == ("a-1", 3)
    assert charged == {"order": 7, "cents": 1999}
    assert marked == (7,)
    assert accepted() == 1


async def test_only_marking_may_be_repeated_without_harm(shop: Shop) -> None:
    """Placing twice makes two orders, and charging twice two charges."""
    await shop.post("/orders", ORDER)
    assert shop.databases["primary"].repeatable == [False, True]
    assert shop.services["payment"].repeatable == [False]


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (Failed("x"), 502, "error"),
        (Unreachable("x"), 502, "error"),
        (TimedOut("x"), 504, "timeout"),
        (Rejected("x"), 503, "rejected"),
        (BulkheadFull("x"), 503, "rejected"),
    ],
)
async def test_an_order_stays_pending_when_its_payment_did_not_end_well(
    shop: Shop, error: CallError, status: int, outcome: str
) -> None:
    """Nobody knows whether it was paid; it is not acknowledged."""
    accepted = Change("operations_accepted_total", operation="order")
    shop.services["payment"].answer = error
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.headers["x-outcome"]) == (status, outcome)
    assert steps(shop) == ["place_order", "POST /charges"]
    assert accepted() == 0


@pytest.mark.parametrize("status", [200, 302, 400, 404, 409])
async def test_a_payment_that_answers_anything_but_created_has_not_paid(shop: Shop, status: int) -> None:
    """A 4xx is a reply, not an error, and easily taken for success."""
    shop.services["payment"].answer = HttpReply(status=status, body=b"{}")
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.headers["x-outcome"]) == (502, "error")
    assert steps(shop) == ["place_order", "POST /charges"]


async def test_an_order_that_could_not_be_written_is_not_charged(shop: Shop) -> None:
    """The first step fails, and it is the last."""
    shop.databases["primary"].answers = {"place_order": TimedOut("x")}
    assert (await shop.post("/orders", ORDER)).status == 504
    assert steps(shop) == ["place_order"]


async def test_an_order_whose_payment_could_not_be_noted_is_not_acknowledged(shop: Shop) -> None:
    """Though it was charged."""
    accepted = Change("operations_accepted_total", operation="order")
    shop.databases["primary"].answers["mark_paid"] = Failed("x")
    assert (await shop.post("/orders", ORDER)).status == 502
    assert steps(shop) == ["place_order", "POST /charges", "mark_paid"]
    assert accepted() == 0


@pytest.mark.parametrize("body", [*BAD_BODIES, {"item": "x", "operation_id": "a"}, {"item": 3, "operation_id": 1}])
async def test_a_bad_body_is_a_400_and_nothing_is_written(shop: Shop, body: Any) -> None:
    """Nor counted."""
    answer = await shop.post("/orders", body)
    assert answer.status == 400
    assert shop.log == []
