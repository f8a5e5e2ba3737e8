from dataclasses import replace
from pathlib import Path

from rulezero.load.rows import HEADER
from rulezero.load.tail import LiveTail, last_second
from rulezero.outcome import Outcome
from tests.load.test_rows import row


def test_only_requests_that_ended_in_the_last_second_count() -> None:
    """A request counts when it ends, not when it was sent; only ok is goodput."""
    rows = [
        row(intended_s=1.0, latency_ms=900),  # Ends at 1.9: before the second.
        row(intended_s=1.0, latency_ms=1500),
        row(intended_s=2.9, latency_ms=5),
        row(intended_s=2.5, latency_ms=100, outcome=Outcome.ERROR),
        row(intended_s=2.9, latency_ms=500),  # Has not ended yet.
    ]
    live = last_second(rows, 3.0)
    assert live.outcomes == {Outcome.OK: 2, Outcome.ERROR: 1}
    assert live.goodput_rps == 2
    assert live.p99_ms == 5


def test_users_who_wait_are_not_shown() -> None:
    """Live figures are of the load whose arrivals are planned."""
    live = last_second([row(intended_s=2.5), replace(row(intended_s=2.5), kind="closed")], 3.0)
    assert live.goodput_rps == 1


def test_the_live_p99_is_of_good_answers() -> None:
    """Of 1 to 200 ms in any order the 198th; failures are not in it, and without an answer there is none."""
    answers = [row(intended_s=2.5, latency_ms=number) for number in range(200, 0, -1)]
    failures = [row(intended_s=2.5, latency_ms=400, outcome=Outcome.TIMEOUT) for _ in range(50)]
    assert last_second([*answers, *failures], 3.0).p99_ms == 198
    assert last_second(answers[:1], 3.0).p99_ms == 200
    assert last_second(failures, 3.0).p99_ms is None
    assert last_second([], 3.0).p99_ms is None


def test_a_line_still_being_written_is_read_once_when_it_is_complete(tmp_path: Path) -> None:
    """However the writer's lines are cut, every row is seen exactly once."""
    path = tmp_path / "rows.csv"
    tail = LiveTail(path)
    assert tail.read() == []
    text = HEADER + "".join(row(intended_s=number).line for number in range(5))
    seen = []
    for start in range(0, len(text), 37):
        with path.open("a") as file:
            file.write(text[start : start + 37])
        seen += tail.read()
    assert [found.intended_s for found in seen] == [0, 1, 2, 3, 4]
    assert tail.read() == []


def test_live_figures_follow_the_file(tmp_path: Path) -> None:
    """Each look covers the last second, whatever was read before."""
    path = tmp_path / "rows.csv"
    tail = LiveTail(path)
    assert tail.last_second().goodput_rps == 0
    path.write_text(HEADER + row(intended_s=0.1).line + row(intended_s=0.2).line)
    assert tail.last_second(now_s=0.5).goodput_rps == 2
    with path.open("a") as file:
        file.write(row(intended_s=5.0).line)
    assert tail.last_second().goodput_rps == 1
    assert tail.last_second(now_s=9.0).outcomes == {}
