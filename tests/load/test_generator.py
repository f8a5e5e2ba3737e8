import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rulezero.errors import Problem, StorageProblem, UsageProblem
from rulezero.load.generator import Generator
from tests.load.test_plan import PLAN

SILENT = "import time\ntime.sleep(60)\n"
BROKEN = "raise SystemExit('no shop today')\n"


def generator(folder: Path, text: str) -> Generator:
    (folder / "loadtests").mkdir()
    locustfile = folder / "loadtests" / "shop.py"
    locustfile.write_text(text)
    return Generator(PLAN, locustfile=locustfile, plan_path=folder / "plan.json", log_path=folder / "locust.log")


@pytest.mark.wall_clock
async def test_a_generator_that_fails_to_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    """The log's last lines are in the message, and its path."""
    child = generator(tmp_path, BROKEN)
    with pytest.raises(Problem, match=r"failed with status 1 \| no shop today \| see .*locust\.log"):
        await child.start()
    await child.stop()


@pytest.mark.wall_clock
async def test_a_generator_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    """Waiting has a bound, and stopping ends even a process that does not listen."""
    child = generator(tmp_path, SILENT)
    with pytest.raises(Problem, match=r"was not ready in 0\.3 s"):
        await child.start(timeout_s=0.3)
    await child.stop()
    await child.stop()


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No process is started when its plan cannot be written."""
    child = Generator(
        PLAN, locustfile=Path("shop.py"), plan_path=tmp_path / "no" / "plan.json", log_path=tmp_path / "x"
    )
    with pytest.raises(StorageProblem, match=r"no/plan\.json: No such file"):
        await child.start()


def test_a_foreign_target_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """The runner hears of it when it makes the generator."""
    with pytest.raises(UsageProblem, match=r"example\.com"):
        Generator(
            replace(PLAN, host="http://example.com"), locustfile=Path("shop.py"), plan_path=tmp_path, log_path=tmp_path
        )


def test_the_runner_side_imports_neither_locust_nor_data_frames() -> None:
    """`import locust` patches the process; the locust process in turn should not pay for polars."""
    code = "import sys, rulezero.load; print({'locust', 'gevent', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
