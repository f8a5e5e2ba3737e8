import orjson
import pytest

from rulezero.defences.bulkhead import BulkheadFull
from rulezero.outcome import CallError, Failed, Outcome, Rejected, TimedOut, Unreachable
from rulezero.service.answers import STATUS, answer_outcome, failure_of, header
from tests.service.asgi import Client


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (Failed("x"), 502, "error"),
        (Unreachable("x"), 502, "error"),
        (TimedOut("x"), 504, "timeout"),
        (Rejected("x"), 503, "rejected"),
        (BulkheadFull("x"), 503, "rejected"),
    ],
)
def test_a_call_that_did_not_end_well_becomes_a_status_and_an_outcome(error: CallError, status: int, told: str) -> None:
    """What was not sent on is, for the caller, a rejection."""
    assert failure_of(error) == (status, {"X-Outcome": told}, b'{"error":"x"}')


async def test_a_layer_s_own_answer_is_whole() -> None:
    """Status, length, outcome and a JSON body, whatever the outcome."""
    for outcome in set(Outcome) - {Outcome.OK}:
        client = Client()
        await answer_outcome(client.send, outcome, 'so "it" is')
        assert client.answer.status == STATUS[outcome][0] >= 500
        assert client.answer.headers["content-length"] == str(len(client.answer.body))
        assert orjson.loads(client.answer.body) == {"error": 'so "it" is'}


def test_a_header_is_found_by_its_lower_case_name() -> None:
    """The first of several; bytes that are no UTF-8 do no harm."""
    scope = {"headers": [(b"a", b"1"), (b"b", b"\xff"), (b"a", b"2")]}
    assert (header(scope, b"a"), header(scope, b"b"), header(scope, b"c")) == ("1", "\xff", None)
