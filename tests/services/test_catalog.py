import pytest

from rulezero.defences.bulkhead import BulkheadFull
from rulezero.defences.circuit_breaker import BreakerOpen
from rulezero.defences.deadline import DeadlineTimedOut
from rulezero.outcome import CallError, Failed, Rejected, TimedOut, Unreachable
from services.catalog.app import create_app
from tests.services.fakes import Shop

LAMP = {"id": 3, "name": "lamp", "price_cents": 1999}


def shop_with(*, replica: list[dict[str, object]] | Exception, primary: list[dict[str, object]] | Exception) -> Shop:
    shop = Shop(create_app)
    for role, answer in (("replica", replica), ("primary", primary)):
        shop.databases[role].answers = {"load_item": answer, "search_items": answer}
    return shop


def roles(shop: Shop) -> list[str]:
    return [role for role, _, _ in shop.log if role != "cache"]


async def test_an_item_is_read_from_the_replica_and_then_from_the_cache() -> None:
    """The primary is left alone."""
    shop = shop_with(replica=[LAMP], primary=[])
    for _ in range(3):
        answer = await shop.get("/items/3")
        assert (answer.status, answer.data) == (200, [LAMP])
    assert shop.log == [("cache", "miss", "item:3"), ("replica", "load_item", (3,))]


async def test_search_is_never_cached() -> None:
    """Each goes to the replica, with its term."""
    shop = shop_with(replica=[LAMP], primary=[])
    for _ in range(2):
        assert (await shop.get("/search?q=la%26mp")).data == [LAMP]
    assert [(role, name, arguments[0]) for role, name, arguments in shop.log] == [
        ("replica", "search_items", "la&mp")
    ] * 2


@pytest.mark.parametrize("target", ["/items/3", "/search?q=lamp"])
@pytest.mark.parametrize(
    "error",
    [
        Failed("x"), Unreachable("x"), TimedOut("x"),
        Rejected("x"), BreakerOpen("x"), BulkheadFull("x"), DeadlineTimedOut("x"),  # Not to be repeated there.
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_a_replica_that_fails_is_replaced_by_the_primary(target: str, error: CallError) -> None:
    """Once; what is read there is as good."""
    shop = shop_with(replica=error, primary=[LAMP])
    answer = await shop.get(target)
    assert (answer.status, answer.data) == (200, [LAMP])
    assert roles(shop) == ["replica", "primary"]


async def test_when_both_fail_the_last_one_s_outcome_is_told_and_nothing_is_kept() -> None:
    """The next request tries again."""
    shop = shop_with(replica=Failed("x"), primary=TimedOut("y"))
    for _ in range(2):
        answer = await shop.get("/items/3")
        assert (answer.status, answer.headers["x-outcome"], answer.data) == (504, "timeout", {"error": "y"})
    assert roles(shop) == ["replica", "primary"] * 2


async def test_an_item_that_is_not_there_is_a_404() -> None:
    """Kept like any other answer, so that asking for it again is cheap."""
    shop = shop_with(replica=[], primary=[LAMP])
    assert [(await shop.get("/items/4")).status for _ in range(2)] == [404, 404]
    assert roles(shop) == ["replica"]


@pytest.mark.parametrize("number", [2**31, 10**30])
async def test_a_number_that_no_item_can_have_is_a_404_without_a_query(number: int) -> None:
    """PostgreSQL would refuse the argument, which defences would take for a sick database."""
    shop = shop_with(replica=Failed("x"), primary=Failed("x"))
    assert (await shop.get(f"/items/{number}")).status == 404
    assert shop.log == []


async def test_a_search_term_is_cut_to_what_a_database_can_take() -> None:
    """No NUL, and not too long."""
    shop = shop_with(replica=[], primary=[])
    assert (await shop.get(f"/search?q=a%00b{'c' * 5000}")).status == 200
    assert (await shop.get("/search")).status == 200
    first, second = (arguments[0] for _, _, arguments in shop.log)
    assert first.startswith("abc")
    assert len(first) < 101
    assert second == ""
