"""Short runs of Locust, under a plan and by hand; always in a process of its own."""

import asyncio
import csv
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from rulezero.experiment import Burst, ClosedUser, Durations, Stream
from rulezero.load import Generator, LoadPlan, Row, parse
from rulezero.load.targets import ALLOW_VARIABLE

ROOT = Path(__file__).parents[2]
LOCUSTFILE = ROOT / "loadtests" / "shop.py"
LEAD_S = 0.2
# Named here because the modules that read them import Locust.
PORT_VARIABLE, TOXIPROXY_VARIABLE = "RULEZERO_LOADGEN_METRICS_PORT", "RULEZERO_TOXIPROXY_API"


def plan(
    folder: Path,
    url: str,
    *streams: Stream,
    bursts: tuple[Burst, ...] = (),
    closed: tuple[ClosedUser, ...] = (),
    fault_s: float = 1.0,
    in_flight_max: int = 2000,
    otlp_endpoint: str | None = None,
) -> LoadPlan:
    """Return a plan with a short warm-up and no more than a fault phase after it."""
    return LoadPlan(
        seed=1,
        host=url,
        windows=Durations(warmup_s=0.2, baseline_s=0.2, fault_s=fault_s, hold_s=0.2).windows(),
        streams=streams,
        bursts=bursts,
        closed=closed,
        in_flight_max=in_flight_max,
        rows_path=str(folder / "rows.csv"),
        generator_path=str(folder / "generator.csv"),
        run_id=folder.name,
        sample_rate=0.5,
        otlp_endpoint=otlp_endpoint,
    )


def generator(load: LoadPlan) -> Generator:
    folder = Path(load.generator_path).parent
    return Generator(load, locustfile=LOCUSTFILE, plan_path=folder / "plan.json", log_path=folder / "locust.log")


async def run_plan(load: LoadPlan) -> tuple[list[Row], list[dict[str, float]]]:
    """Run to the end; return the rows and the generator's report on itself."""
    async with generator(load) as child:
        await child.begin(asyncio.get_running_loop().time() + LEAD_S)
        await child.wait(timeout_s=load.duration_s + 10)
    return read_rows(Path(load.rows_path)), read_reports(Path(load.generator_path))


def read_reports(path: Path) -> list[dict[str, float]]:
    lines = csv.DictReader(path.read_text().splitlines())
    return [{name: float(value) for name, value in line.items()} for line in lines]


def read_rows(path: Path) -> list[Row]:
    lines = path.read_text().splitlines(keepends=True)[1:]
    rows = [parse(line) for line in lines if line.endswith("\n")]
    assert None not in rows
    return [row for row in rows if row is not None]


def hand_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a user who has set nothing; without metrics, whose port would be everybody's."""
    kept = {name: value for name, value in os.environ.items() if name != ALLOW_VARIABLE}
    return {**kept, PORT_VARIABLE: "0", TOXIPROXY_VARIABLE: "", **more}


async def by_hand(
    *arguments: str, timeout_s: float = 30.0, environment: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, str]:
    """Run `locust -f loadtests/shop.py ...` as a user would; return its status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *arguments, cwd=ROOT, env=hand_environment(environment),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()
