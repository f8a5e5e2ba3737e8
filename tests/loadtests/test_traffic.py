from pathlib import Path

import pytest

from rulezero.experiment import Burst
from rulezero.outcome import Outcome
from tests.loadtests.runs import plan, run_plan
from tests.loadtests.server import NORMAL, stallable_server

ANSWERS: dict[int, tuple[bytes, Outcome, int]] = {
    1: (NORMAL, Outcome.OK, 200),
    2: (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", Outcome.REJECTED, 503),
    3: (b"HTTP/1.1 504 No\r\nX-Outcome: timeout\r\nContent-Length: 0\r\n\r\n", Outcome.TIMEOUT, 504),
    4: (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", Outcome.ERROR, 500),
    5: (b"\0", Outcome.ERROR, 0),
    6: (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf\0", Outcome.ERROR, 0),
    7: (b"HTTP/1.1 200 OK\r\nContent-Le\0", Outcome.ERROR, 0),
    8: (b"this is no HTTP\r\n\r\n", Outcome.ERROR, 0),
    9: (b"", Outcome.TIMEOUT, 0),
    10: (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Outcome.TIMEOUT, 0),
    11: (NORMAL + b"\0", Outcome.OK, 200),
    12: (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n\0", Outcome.OK, 200),
}


@pytest.mark.wall_clock
async def test_every_kind_of_answer_becomes_its_outcome_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    """Refusals, failures, torn and missing answers are told apart; nothing is silently sent again.

    A connection that the server closed after an answer spoils no later request.
    """
    async with stallable_server() as server:
        server.answers = {f"/browse/{key}": answer for key, (answer, _, _) in ANSWERS.items()}
        keys = [key for key in reversed(ANSWERS) for _ in range(2)]
        bursts = tuple(Burst(route="browse", at_s=0.03 * at, count=2, key=key) for at, key in enumerate(keys))
        rows, _ = await run_plan(plan(tmp_path, server.url, bursts=bursts))
        assert len(server.heads) == len(rows) == 4 * len(ANSWERS)
    for key, (_, outcome, status) in ANSWERS.items():
        assert [(row.outcome, row.status) for row in rows if row.key == key] == [(outcome, status)] * 4, key
    assert all(990 < row.latency_ms < 3000 for row in rows if row.outcome is Outcome.TIMEOUT and row.status == 0)
