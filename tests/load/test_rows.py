import pytest

from rulezero.load.rows import COLUMNS, HEADER, Row, answer_outcome, parse
from rulezero.outcome import Outcome


def row(*, outcome: Outcome = Outcome.OK, intended_s: float = 1.0, latency_ms: float = 5.0) -> Row:
    return Row(
        intended_s=intended_s,
        sent_s=intended_s + 0.001,
        latency_ms=latency_ms,
        route="browse",
        key=3,
        priority="normal",
        phase="fault",
        outcome=outcome,
        status=200,
        attempts=1,
        operation_id="a" * 32,
        trace_id="",
        kind="stream",
    )


def test_a_row_survives_being_written_and_read() -> None:
    """The text holds all of the row, in the order of the header."""
    assert parse(row().line) == row()
    assert HEADER.rstrip("\n").split(",") == list(COLUMNS)


@pytest.mark.parametrize("line", ["", HEADER, row().line[:-20], row().line.replace("ok", "fine"), "a,b,c\n"])
def test_what_is_not_a_row_is_none(line: str) -> None:
    """A header or a torn line is not taken for a request."""
    assert parse(line) is None


@pytest.mark.parametrize(
    ("status", "told", "outcome"),
    [
        (200, None, Outcome.OK),
        (204, "error", Outcome.OK),
        (302, None, Outcome.ERROR),
        (404, None, Outcome.ERROR),
        (429, None, Outcome.REJECTED),
        (503, None, Outcome.REJECTED),
        (500, None, Outcome.ERROR),
        (503, "error", Outcome.ERROR),
        (503, "not_sent", Outcome.NOT_SENT),
        (504, "timeout", Outcome.TIMEOUT),
        (499, "cancelled", Outcome.CANCELLED),
        (502, "rejected", Outcome.REJECTED),
        (500, "ok", Outcome.ERROR),
        (503, "nonsense", Outcome.REJECTED),
    ],
)
def test_an_answer_is_one_of_the_six_outcomes(status: int, told: str | None, outcome: Outcome) -> None:
    """The header speaks for failures; no failure becomes a success by it."""
    assert answer_outcome(status, told) is outcome
