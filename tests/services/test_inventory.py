from typing import Any

import pytest

from rulezero.outcome import TimedOut
from services.inventory.app import PIECES, create_app
from tests.services.fakes import BAD_BODIES, Shop


@pytest.fixture
def shop() -> Shop:
    shop = Shop(create_app)
    shop.databases["primary"].answers = {"reserve_piece": [{"reserved": 4}]}
    return shop


async def test_a_piece_is_reserved(shop: Shop) -> None:
    """In one statement, never repeated."""
    answer = await shop.post("/reservations", {"item": 3})
    assert (answer.status, answer.data) == (201, {"item": 3, "reserved": 4})
    ((role, name, arguments),) = shop.log
    assert (role, name, arguments[:2]) == ("primary", "reserve_piece", (3, PIECES))
    assert shop.databases["primary"].repeatable == [False]


async def test_without_a_piece_the_answer_is_no(shop: Shop) -> None:
    """It is an answer, not a failure."""
    shop.databases["primary"].answers = {"reserve_piece": [{"reserved": None}]}
    answer = await shop.post("/reservations", {"item": 3})
    assert (answer.status, answer.data) == (409, {"error": "no piece of item 3 is left"})
    assert "x-outcome" not in answer.headers


async def test_a_reservation_of_which_nobody_knows_is_told_as_such(shop: Shop) -> None:
    """It may have been made."""
    shop.databases["primary"].answers = {"reserve_piece": TimedOut("x")}
    answer = await shop.post("/reservations", {"item": 3})
    assert (answer.status, answer.headers["x-outcome"]) == (504, "timeout")


@pytest.mark.parametrize("body", [*BAD_BODIES, {"item": "3"}, {"item": -1}, {"item": 2**31}])
async def test_a_bad_body_is_a_400_and_nothing_is_reserved(shop: Shop, body: Any) -> None:
    """Whatever it is."""
    assert (await shop.post("/reservations", body)).status == 400
    assert shop.log == []
