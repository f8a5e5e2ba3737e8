from typing import Any

import pytest

from rulezero.outcome import TimedOut
from services.payment.app import SERVICE_S, SLOTS, create_app
from tests.counters import Change
from tests.services.fakes import BAD_BODIES, Shop


@pytest.fixture
def shop() -> Shop:
    shop = Shop(create_app)
    shop.databases["primary"].answers = {"write_charge": [{"id": 9}]}
    return shop


async def test_a_charge_is_one_row(shop: Shop) -> None:
    """Counted as an effect, and never repeated."""
    applied = Change("side_effects_applied_total", operation="charge")
    answer = await shop.post("/charges", {"order": 7, "cents": 1999})
    assert (answer.status, answer.data) == (201, {"charge": 9})
    ((role, name, arguments),) = shop.log
    assert (role, name, arguments[:2]) == ("primary", "write_charge", (7, 1999))
    assert shop.databases["primary"].repeatable == [False]
    assert applied() == 1


async def test_a_charge_of_which_nobody_knows_is_not_counted(shop: Shop) -> None:
    """The ledger tells the truth later."""
    applied = Change("side_effects_applied_total", operation="charge")
    shop.databases["primary"].answers = {"write_charge": TimedOut("x")}
    answer = await shop.post("/charges", {"order": 7, "cents": 1999})
    assert (answer.status, answer.headers["x-outcome"]) == (504, "timeout")
    assert applied() == 0


@pytest.mark.parametrize("body", [*BAD_BODIES, {"order": 7}, {"order": 7, "cents": -1}, {"order": 7, "cents": 0.5}])
async def test_a_bad_body_is_a_400_and_nothing_is_charged(shop: Shop, body: Any) -> None:
    """Least of all a negative amount."""
    assert (await shop.post("/charges", body)).status == 400
    assert shop.log == []


def test_its_capacity_is_what_the_experiments_are_written_for() -> None:
    """160 charges a second: slots / service time."""
    app = Shop(create_app).app
    assert (app.slots, app.service_s) == (SLOTS, SERVICE_S)
    assert app.slots / app.service_s == pytest.approx(160)
