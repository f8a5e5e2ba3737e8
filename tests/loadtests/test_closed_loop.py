import asyncio
from pathlib import Path

import pytest

from rulezero.errors import Problem
from rulezero.experiment import ClosedUser, Keys, Stream
from rulezero.load.schedule import due_times, keys
from tests.loadtests.runs import LEAD_S, generator, plan, read_reports, read_rows, run_plan
from tests.loadtests.server import SERVICE_S, stallable_server

STREAM = Stream(route="browse", rate_rps=50, deadline_s=3)
THINK_S = 0.05


@pytest.mark.wall_clock
async def test_a_planned_user_waits_thinks_and_asks_again_beside_the_stream(tmp_path: Path) -> None:
    """One request at a time, each sent when it is due; what the generator says of its load is the stream alone."""
    user = ClosedUser(route="search", think_s=THINK_S, keys=Keys(low=1, high=9))
    async with stallable_server() as server:
        load = plan(tmp_path, server.url, STREAM, closed=(user,))
        rows, reports = await run_plan(load)
    mine = sorted((row for row in rows if row.kind == "closed"), key=lambda row: row.sent_s)
    assert 5 < len(mine) < load.duration_s / (THINK_S + SERVICE_S)
    ends_s = [row.ended_s for row in mine]
    assert all(after.sent_s >= end_s + 0.8 * THINK_S for end_s, after in zip(ends_s, mine[1:], strict=False))
    assert all(row.route == "search" and row.sent_s - row.intended_s < 0.05 for row in mine)
    assert [row.key for row in mine] == [
        key for _, key in zip(mine, keys(1, "search:closed:0", user.keys), strict=False)
    ]
    streamed = len(due_times(1, load.streams, load.duration_s))
    assert len(rows) - len(mine) == streamed == reports[-1]["sent"] == reports[-1]["scheduled"]


@pytest.mark.wall_clock
async def test_a_user_who_waits_meets_a_stall_once_and_is_waited_for(tmp_path: Path) -> None:
    """Nothing is answered until after the load: one row, which is late, and the stream's are many."""
    async with stallable_server() as server:
        load = plan(tmp_path, server.url, STREAM, closed=(ClosedUser(route="search", think_s=0.0, deadline_s=3),))
        async with generator(load) as child:
            start_s = asyncio.get_running_loop().time() + LEAD_S
            server.stall_s = (start_s, start_s + load.duration_s + 0.5)
            await child.begin(start_s)
            await child.wait(timeout_s=20)
    rows = read_rows(Path(load.rows_path))
    (mine,) = [row for row in rows if row.kind == "closed"]
    assert mine.latency_ms > load.duration_s * 1000
    assert len(rows) == 1 + read_reports(Path(load.generator_path))[-1]["scheduled"]


@pytest.mark.wall_clock
async def test_a_user_of_a_route_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """As a stream is, before the load begins."""
    async with stallable_server() as server:
        with pytest.raises(Problem, match="unknown route dance"):
            await run_plan(plan(tmp_path, server.url, STREAM, closed=(ClosedUser(route="dance"),)))
