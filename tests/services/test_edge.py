import pytest

from rulezero.defences.circuit_breaker import BreakerOpen
from rulezero.dependencies.http import HttpReply
from rulezero.outcome import CallError, Failed, Rejected, TimedOut, Unreachable
from services.edge.app import create_app
from tests.service.asgi import Answer
from tests.services.fakes import BAD_BODIES, Shop

ORDER = {"item": 3, "operation_id": "a-1"}


async def ask_every_route(shop: Shop) -> list[Answer]:
    return [await shop.get("/browse/3"), await shop.get("/search?q=lamp"), await shop.post("/checkout", ORDER)]


async def test_each_route_asks_the_service_behind_it_once() -> None:
    """With the path, the query as it came, and the body."""
    shop = Shop(create_app)
    await ask_every_route(shop)
    await shop.get("/search?q=a%20b%26c&x=1")
    assert shop.log == [
        ("catalog", "GET /items/3", None),
        ("catalog", "GET /search?q=lamp", None),
        ("checkout", "POST /orders", ORDER),
        ("catalog", "GET /search?q=a%20b%26c&x=1", None),
    ]


async def test_reads_may_be_repeated_and_an_order_may_not() -> None:
    """Whoever retries needs to know."""
    shop = Shop(create_app)
    await ask_every_route(shop)
    assert shop.services["catalog"].repeatable == [True, True]
    assert shop.services["checkout"].repeatable == [False]
    await shop.post("/receipts", {"operation_id": "a-1"})
    assert shop.services["checkout"].repeatable == [False, False]


@pytest.mark.parametrize("status", [200, 201, 400, 404, 409])
async def test_a_reply_is_passed_on_as_it_is(status: int) -> None:
    """A 404 is an answer."""
    shop = Shop(create_app)
    for service in shop.services.values():
        service.answer = HttpReply(status=status, body=b'{"said":1}')
    for answer in await ask_every_route(shop):
        assert (answer.status, answer.body) == (status, b'{"said":1}')
        assert answer.headers["content-type"] == "application/json"
        assert "x-outcome" not in answer.headers


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (Failed("x"), 502, "error"),
        (Unreachable("x"), 502, "error"),
        (TimedOut("x"), 504, "timeout"),
        (Rejected("x"), 503, "rejected"),
        (BreakerOpen("x"), 503, "rejected"),
    ],
)
async def test_an_outcome_becomes_a_status_and_a_header(error: CallError, status: int, outcome: str) -> None:
    """On every route; a refusal on this side is a rejection for the user."""
    shop = Shop(create_app)
    for service in shop.services.values():
        service.answer = error
    for answer in await ask_every_route(shop):
        assert (answer.status, answer.headers["x-outcome"]) == (status, outcome)
        assert answer.data == {"error": "x"}


async def test_an_error_that_is_no_outcome_is_not_dressed_up_as_one() -> None:
    """It is a bug, and shows as a 500."""
    shop = Shop(create_app)
    shop.services["catalog"].answer = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await shop.get("/browse/3")


@pytest.mark.parametrize(
    "body",
    [
        *BAD_BODIES,
        {"item": 3},
        {"operation_id": "a"},
        {"item": "3", "operation_id": "a"},
        {"item": 3.5, "operation_id": "a"},
        {"item": True, "operation_id": "a"},
        {"item": -1, "operation_id": "a"},
        {"item": 2**31, "operation_id": "a"},
        {"item": None, "operation_id": None},
        {"item": 3, "operation_id": 4},
        {"item": 3, "operation_id": "a\0b"},
        {"item": 3, "operation_id": "a" * 101},
        {**ORDER, "more": "x" * 10_000},
    ],
)
async def test_a_bad_body_is_a_400_and_goes_no_further(body: object) -> None:
    """It is the client's mistake, and no defence may count it against a dependency."""
    shop = Shop(create_app)
    answer = await shop.post("/checkout", body)
    assert answer.status == 400
    assert answer.data == {"error": "the body must be a JSON object with item (int), operation_id (str)"}
    assert shop.log == []


@pytest.mark.parametrize(
    ("target", "status"), [("/browse/x", 404), ("/browse/-1", 404), ("/", 404), ("/checkout", 405)]
)
async def test_what_is_not_there_is_refused(target: str, status: int) -> None:
    """Without asking anybody."""
    shop = Shop(create_app)
    assert (await shop.get(target)).status == status
    assert shop.log == []


async def test_a_receipt_goes_to_checkout() -> None:
    """With its operation alone."""
    shop = Shop(create_app)
    shop.services["checkout"].answer = HttpReply(status=202, body=b'{"mail":"queued"}')
    answer = await shop.post("/receipts", {"operation_id": "a-1"})
    assert (answer.status, answer.data) == (202, {"mail": "queued"})
    assert shop.log == [("checkout", "POST /receipts", {"operation_id": "a-1"})]
    assert (await shop.post("/receipts", {"operation_id": 1})).status == 400
