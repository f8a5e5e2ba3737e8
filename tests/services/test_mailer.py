import pytest

from rulezero.dependencies.queue_consumer import Message
from rulezero.outcome import Failed
from services.mailer.app import SERVICE_S, SLOTS, create_app, operation_of
from tests.counters import Change
from tests.services.fakes import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop(create_app)


def message(data: bytes) -> Message:
    return Message(data=data, delivery=1, reply_to="x")


async def test_a_mail_is_one_row(shop: Shop) -> None:
    """Counted as an effect; not looked for, so that a repetition shows."""
    applied = Change("side_effects_applied_total", operation="mail")
    for _ in range(2):
        await shop.workers["mails"].handle(message(b'{"order":7,"operation_id":"a-1"}'))
    assert [(role, name, arguments[0]) for role, name, arguments in shop.log] == [("primary", "write_mail", "a-1")] * 2
    assert shop.databases["primary"].repeatable == [False, False]
    assert applied() == 2


async def test_a_mail_that_could_not_be_written_was_not_sent(shop: Shop) -> None:
    """The worker is told, and gives the message back."""
    applied = Change("side_effects_applied_total", operation="mail")
    shop.databases["primary"].answers = {"write_mail": Failed("x")}
    with pytest.raises(Failed):
        await shop.workers["mails"].handle(message(b'{"operation_id":"a-1"}'))
    assert applied() == 0


@pytest.mark.parametrize(
    ("data", "operation"),
    [
        (b'{"operation_id":"a-1"}', "a-1"),
        (b'{"operation_id":17}', "17"),
        (b"[]", "[]"),
        (b"{}", "{}"),
        (b"", ""),
        (b"\xff\x00", "\ufffd"),
        (b"x" * 10_000, "x" * 100),
    ],
)
def test_whatever_is_in_the_queue_can_be_sent(data: bytes, operation: str) -> None:
    """One message that nobody can work on would come again for ever."""
    assert operation_of(message(data)) == operation


async def test_it_has_no_routes_and_a_worker(shop: Shop) -> None:
    """Which does as much at a time as it has slots."""
    assert (await shop.get("/")).status == 404
    assert shop.app.background == shop.workers["mails"].run
    assert (shop.workers["mails"].slots, shop.workers["mails"].service_s) == (SLOTS, SERVICE_S)
