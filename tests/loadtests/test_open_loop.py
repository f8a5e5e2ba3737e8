import asyncio
from collections import Counter
from pathlib import Path

import pytest

from rulezero.experiment import Burst, Keys, Stream
from rulezero.load import Row
from rulezero.load.schedule import due_times, keys
from rulezero.outcome import Outcome
from tests.loadtests.runs import LEAD_S, by_hand, generator, plan, read_rows, run_plan
from tests.loadtests.server import stallable_server

RATE_RPS = 100
STALL_S = 1.0
SLOW_MS = 300
CLOSED_USERS = 5


def slow(rows: list[Row]) -> int:
    return sum(row.latency_ms > SLOW_MS for row in rows)


def percentile(rows: list[Row], part: float) -> float:
    return sorted(row.latency_ms for row in rows)[int(part * len(rows))]


@pytest.mark.wall_clock
async def test_a_stall_shows_in_full_in_the_open_loop_and_hides_in_the_closed_loop(tmp_path: Path) -> None:
    """The same stall of 1 s, the same rate: about rate * stall users are harmed, of whom a closed loop sees a few."""
    async with stallable_server() as server:
        load = plan(tmp_path, server.url, Stream(route="browse", rate_rps=RATE_RPS, deadline_s=3), fault_s=4)
        closed_path = tmp_path / "closed.csv"
        closed = asyncio.create_task(by_hand(
            "BrowseClosed", "--headless", "-H", server.url, "-u", str(CLOSED_USERS), "-r", str(CLOSED_USERS),
            "--think-time", str(CLOSED_USERS / RATE_RPS), "--run-time", "7", "--rows", str(closed_path),
        ))  # fmt: skip
        async with generator(load) as child:
            start_s = asyncio.get_running_loop().time() + LEAD_S
            server.stall_s = (start_s + 2, start_s + 2 + STALL_S)
            await child.begin(start_s)
            await child.wait(timeout_s=20)
        await closed
    open_rows, closed_rows = read_rows(Path(load.rows_path)), read_rows(closed_path)
    assert {row.kind for row in closed_rows} == {"closed"}
    harmed = RATE_RPS * (STALL_S - SLOW_MS / 1000)
    assert 0.6 * harmed < slow(open_rows) < 1.5 * harmed
    assert percentile(open_rows, 0.99) > 0.7 * STALL_S * 1000
    assert 0 < slow(closed_rows) <= 3 * CLOSED_USERS
    assert slow(open_rows) > 3 * slow(closed_rows)
    assert percentile(open_rows, 0.95) > 3 * percentile(closed_rows, 0.95)


@pytest.mark.wall_clock
async def test_exactly_the_plan_is_sent_and_two_arms_get_the_same(tmp_path: Path) -> None:
    """Every due instant has its row, with the key of the schedule; only operation ids differ between runs.

    A steady stream uses the connections opened before it again.
    """
    spread = Keys(low=1, high=50, skew=1.0)
    streams = (Stream(route="browse", rate_rps=60, keys=spread), Stream(route="checkout", rate_rps=20, keys=spread))
    arms = [tmp_path / "first", tmp_path / "second"]
    for arm in arms:
        arm.mkdir()
    async with stallable_server() as server:
        load = plan(tmp_path, server.url, *streams)
        runs = await asyncio.gather(*(run_plan(plan(arm, server.url, *streams)) for arm in arms))
    assert server.connections < 80
    for rows, reports in runs:
        assert reports[-1]["scheduled"] == reports[-1]["sent"] == len(rows)
        assert reports[-1]["dropped"] == reports[-1]["in_flight"] == 0
    first, second = (sorted(rows, key=lambda row: row.intended_s) for rows, _ in runs)
    due_s = due_times(1, streams, load.duration_s)
    assert [row.intended_s for row in first] == pytest.approx(due_s, abs=2e-6)
    assert [(row.route, row.key) for row in first] == [(row.route, row.key) for row in second]
    browsed = [row.key for row in first if row.route == "browse"]
    assert browsed == [key for _, key in zip(browsed, keys(1, "browse", spread), strict=False)]
    assert not {row.operation_id for row in first} & {row.operation_id for row in second}
    assert all(row.phase == load.phase_at(row.intended_s) for row in first)
    assert all(row.outcome is Outcome.OK and row.sent_s >= row.intended_s for row in first)


@pytest.mark.wall_clock
async def test_beyond_the_in_flight_cap_arrivals_are_counted_and_never_queued(tmp_path: Path) -> None:
    """While nothing is answered at most the cap is under way; every other arrival is a row that was not sent."""
    async with stallable_server() as server:
        server.answers = {"/browse/1": b""}
        load = plan(tmp_path, server.url, Stream(route="browse", rate_rps=100, deadline_s=2), in_flight_max=20)
        rows, reports = await run_plan(load)
        assert len(server.heads) == 20
    counts = Counter(row.outcome for row in rows)
    assert counts == {Outcome.TIMEOUT: 20, Outcome.NOT_SENT: reports[-1]["dropped"]}
    assert len(rows) == reports[-1]["scheduled"] == len(due_times(1, load.streams, load.duration_s))
    assert all(row.latency_ms < 1000 for row in rows if row.outcome is Outcome.NOT_SENT)
    assert all(1990 < row.latency_ms < 4000 for row in rows if row.outcome is Outcome.TIMEOUT)


@pytest.mark.wall_clock
async def test_a_burst_leaves_at_one_moment_over_connections_that_are_open(tmp_path: Path) -> None:
    """All requests leave together, none has to connect first, and nothing leaves before the load begins."""
    async with stallable_server() as server:
        load = plan(tmp_path, server.url, bursts=(Burst(route="browse", at_s=0.3, count=300, key=7),))
        async with generator(load) as child:
            await asyncio.sleep(0.5)
            opened = server.connections
            assert server.heads == []
            await child.begin(asyncio.get_running_loop().time() + LEAD_S)
            await child.wait(timeout_s=20)
        assert 300 <= server.connections == opened
    rows = read_rows(Path(load.rows_path))
    assert [(row.kind, row.key, row.outcome) for row in rows] == [("burst", 7, Outcome.OK)] * 300
    assert {row.intended_s for row in rows} == {0.7}
    assert max(row.sent_s for row in rows) - min(row.sent_s for row in rows) < 0.5
