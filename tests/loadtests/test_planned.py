import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from rulezero.errors import Problem, StorageProblem
from rulezero.experiment import Stream
from rulezero.load.plan import encode
from tests.loadtests.runs import LEAD_S, LOCUSTFILE, ROOT, generator, plan, read_rows, run_plan
from tests.loadtests.server import stallable_server

PARENT = """
import asyncio, sys, time
from pathlib import Path
from rulezero.load import Generator, decode

async def main(folder):
    load = decode((folder / "given.json").read_bytes())
    child = Generator(load, locustfile=Path(sys.argv[2]), plan_path=folder / "plan.json", log_path=folder / "log")
    await child.start()
    await child.begin(asyncio.get_running_loop().time())
    print(child.pid, flush=True)
    await child.wait(timeout_s=60)

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.wall_clock
async def test_locust_ends_with_the_process_that_started_it_even_by_kill_9(tmp_path: Path) -> None:
    """A killed runner leaves no generator behind, and the rows made until then are on disk."""
    async with stallable_server() as server:
        load = plan(tmp_path, server.url, Stream(route="browse", rate_rps=50), fault_s=60)
        (tmp_path / "given.json").write_bytes(encode(load))
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PARENT, str(tmp_path), str(LOCUSTFILE), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert parent.stdout is not None
        locust = psutil.Process(int(await parent.stdout.readline()))
        assert locust.is_running()
        await asyncio.sleep(0.5)
        parent.kill()
        await parent.wait()
        await asyncio.to_thread(psutil.wait_procs, [locust], 5)
        assert not locust.is_running() or locust.status() == psutil.STATUS_ZOMBIE
    assert read_rows(tmp_path / "rows.csv")


@pytest.mark.wall_clock
async def test_a_killed_generator_loses_no_row_that_it_had_written(tmp_path: Path) -> None:
    """After kill -9 every line but perhaps the last is whole, and at most a moment of rows is missing."""
    async with stallable_server() as server:
        load = plan(tmp_path, server.url, Stream(route="browse", rate_rps=100), fault_s=30)
        async with generator(load) as child:
            loop = asyncio.get_running_loop()
            start_s = loop.time()
            await child.begin(start_s)
            await asyncio.sleep(1.5)
            assert child.pid is not None
            killed_s = loop.time() - start_s
            os.kill(child.pid, signal.SIGKILL)
            with pytest.raises(Problem, match="failed with status -9"):
                await child.wait(timeout_s=5)
    rows = read_rows(tmp_path / "rows.csv")
    assert max(row.ended_s for row in rows) > killed_s - 1
    assert len(rows) > 50


@pytest.mark.wall_clock
async def test_stop_ends_a_running_load_and_keeps_its_rows(tmp_path: Path) -> None:
    """Leaving the `async with` early is enough."""
    async with stallable_server() as server:
        async with generator(plan(tmp_path, server.url, Stream(route="browse", rate_rps=50), fault_s=30)) as child:
            await child.begin(asyncio.get_running_loop().time() + LEAD_S)
            await asyncio.sleep(1)
            pid = child.pid
        assert pid is not None
        assert not psutil.pid_exists(pid)
    assert len(read_rows(tmp_path / "rows.csv")) > 20


@pytest.mark.wall_clock
@pytest.mark.parametrize(
    ("url", "route", "named"),
    [
        ("http://127.0.0.1:9", "browse", "does not take connections: Connection refused; is the lab up"),
        ("http://127.0.0.1:9", "dance", "unknown route dance; known are browse, search, checkout"),
    ],
)
async def test_a_load_that_cannot_begin_says_why(tmp_path: Path, url: str, route: str, named: str) -> None:
    """The reason in the generator's log reaches the runner as one line."""
    with pytest.raises(Problem, match=named) as problem:
        await run_plan(plan(tmp_path, url, Stream(route=route, rate_rps=1)))
    assert "\n" not in str(problem.value)


@pytest.mark.wall_clock
@pytest.mark.parametrize(
    ("path", "named"),
    [("/dev/full", "No space left on device"), ("/nowhere/rows.csv", "/nowhere/rows.csv: No such file")],
)
async def test_rows_that_cannot_be_written_end_the_run(tmp_path: Path, path: str, named: str) -> None:
    """A full disk or a missing folder is named, and the run does not go on without its record."""
    async with stallable_server() as server:
        load = replace(plan(tmp_path, server.url, Stream(route="browse", rate_rps=1)), rows_path=path)
        with pytest.raises(StorageProblem, match=named):
            await run_plan(load)
