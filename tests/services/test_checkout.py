from typing import Any

import pytest

from rulezero.defences.bounded_stream import StreamFull
from rulezero.defences.bulkhead import BulkheadFull
from rulezero.dependencies.http import HttpReply
from rulezero.outcome import CallError, Failed, Rejected, TimedOut, Unreachable
from services.checkout.app import create_app
from tests.counters import Change
from tests.services.fakes import BAD_BODIES, Shop

ORDER = {"item": 3, "operation_id": "a-1"}
STEPS = [
    ("inventory", "POST /reservations"),
    ("primary", "place_order"),
    ("payment", "POST /charges"),
    ("primary", "mark_paid"),
    ("mails", "publish"),
]
ENDINGS = [
    (Failed("x"), 502, "error"),
    (Unreachable("x"), 502, "error"),
    (TimedOut("x"), 504, "timeout"),
    (Rejected("x"), 503, "rejected"),
    (BulkheadFull("x"), 503, "rejected"),
]


@pytest.fixture
def shop() -> Shop:
    shop = Shop(create_app)
    shop.databases["primary"].answers = {"place_order": [{"id": 7}]}
    shop.services["inventory"].answer = HttpReply(status=201, body=b'{"item":3,"reserved":1}')
    shop.services["payment"].answer = HttpReply(status=201, body=b'{"charge":9}')
    return shop


def steps(shop: Shop) -> list[tuple[str, str]]:
    return [(whom, name) for whom, name, _ in shop.log]


async def test_an_order_is_reserved_placed_charged_marked_as_paid_and_confirmed(shop: Shop) -> None:
    """In this order: an order that nobody charged can be found, a charge without an order cannot."""
    accepted = Change("operations_accepted_total", operation="order")
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.data) == (201, {"order": 7, "mail": "queued"})
    assert steps(shop) == STEPS
    reserved, placed, charged, marked, confirmed = (arguments for _, _, arguments in shop.log)
    assert reserved == {"item": 3}
    assert placed[:2] == ("a-1", 3)
    assert charged == {"order": 7, "cents": 1999}
    assert marked == (7,)
    assert confirmed == {"order": 7, "operation_id": "a-1"}
    assert accepted() == 1


async def test_only_marking_may_be_repeated_without_harm(shop: Shop) -> None:
    """Placing twice makes two orders, charging twice two charges, reserving twice takes two pieces."""
    await shop.post("/orders", ORDER)
    assert shop.databases["primary"].repeatable == [False, True]
    assert shop.services["payment"].repeatable == [False]
    assert shop.services["inventory"].repeatable == [False]


@pytest.mark.parametrize(("error", "status", "outcome"), ENDINGS)
async def test_an_order_stays_pending_when_its_payment_did_not_end_well(
    shop: Shop, error: CallError, status: int, outcome: str
) -> None:
    """Nobody knows whether it was paid; it is neither acknowledged nor confirmed."""
    accepted = Change("operations_accepted_total", operation="order")
    shop.services["payment"].answer = error
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.headers["x-outcome"]) == (status, outcome)
    assert steps(shop) == STEPS[:3]
    assert accepted() == 0


@pytest.mark.parametrize("status", [200, 302, 400, 404, 409])
async def test_a_payment_that_answers_anything_but_created_has_not_paid(shop: Shop, status: int) -> None:
    """A 4xx is a reply, not an error, and easily taken for success."""
    shop.services["payment"].answer = HttpReply(status=status, body=b"{}")
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.headers["x-outcome"]) == (502, "error")
    assert steps(shop) == STEPS[:3]


async def test_what_is_not_in_stock_is_not_ordered(shop: Shop) -> None:
    """That is an answer, and nobody's failure."""
    shop.services["inventory"].answer = HttpReply(status=409, body=b'{"error":"none left"}')
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.data) == (409, {"error": "none left"})
    assert "x-outcome" not in answer.headers
    assert steps(shop) == STEPS[:1]


@pytest.mark.parametrize(("error", "status", "outcome"), ENDINGS)
async def test_without_a_word_of_the_inventory_nothing_is_ordered(
    shop: Shop, error: CallError, status: int, outcome: str
) -> None:
    """Its outcome is the order's."""
    shop.services["inventory"].answer = error
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.headers["x-outcome"]) == (status, outcome)
    assert steps(shop) == STEPS[:1]


async def test_an_order_that_could_not_be_written_is_not_charged(shop: Shop) -> None:
    """The step fails, and it is the last."""
    shop.databases["primary"].answers = {"place_order": TimedOut("x")}
    assert (await shop.post("/orders", ORDER)).status == 504
    assert steps(shop) == STEPS[:2]


async def test_an_order_whose_payment_could_not_be_noted_is_not_acknowledged(shop: Shop) -> None:
    """Though it was charged."""
    accepted = Change("operations_accepted_total", operation="order")
    shop.databases["primary"].answers["mark_paid"] = Failed("x")
    assert (await shop.post("/orders", ORDER)).status == 502
    assert steps(shop) == STEPS[:4]
    assert accepted() == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StreamFull("x"), "refused"),
        (Rejected("x"), "refused"),
        (Unreachable("x"), "failed"),
        (TimedOut("x"), "failed"),
        (BulkheadFull("x"), "failed"),
    ],
)
async def test_an_order_stands_when_its_mail_is_not_taken(shop: Shop, error: CallError, told: str) -> None:
    """It is paid: a naive dual write, whose second half is only reported."""
    accepted = Change("operations_accepted_total", operation="order")
    shop.queues["mails"].error = error
    answer = await shop.post("/orders", ORDER)
    assert (answer.status, answer.data) == (201, {"order": 7, "mail": told})
    assert accepted() == 1


@pytest.mark.parametrize("body", [*BAD_BODIES, {"item": "x", "operation_id": "a"}, {"item": 3, "operation_id": 1}])
async def test_a_bad_body_is_a_400_and_nothing_is_written(shop: Shop, body: Any) -> None:
    """Nor counted."""
    answer = await shop.post("/orders", body)
    assert answer.status == 400
    assert shop.log == []


async def test_a_receipt_is_queued_and_no_more(shop: Shop) -> None:
    """202: it is on its way."""
    answer = await shop.post("/receipts", {"operation_id": "a-1"})
    assert (answer.status, answer.data) == (202, {"mail": "queued"})
    assert shop.log == [("mails", "publish", {"operation_id": "a-1"})]


@pytest.mark.parametrize(("error", "status", "outcome"), [*ENDINGS, (StreamFull("x"), 503, "rejected")])
async def test_a_receipt_that_the_queue_does_not_take_is_refused_at_the_door(
    shop: Shop, error: CallError, status: int, outcome: str
) -> None:
    """Who asked for it is told."""
    shop.queues["mails"].error = error
    answer = await shop.post("/receipts", {"operation_id": "a-1"})
    assert (answer.status, answer.headers["x-outcome"]) == (status, outcome)


@pytest.mark.parametrize("body", [*BAD_BODIES, {"operation_id": 1}])
async def test_a_bad_receipt_is_a_400(shop: Shop, body: Any) -> None:
    """And no message."""
    assert (await shop.post("/receipts", body)).status == 400
    assert shop.log == []


def test_the_queue_is_looked_after_all_the_time(shop: Shop) -> None:
    """Also when nobody orders: its length is told, and its bound follows the toggles."""
    assert shop.app.background == shop.queues["mails"].watch
