"""Observers of a lab: where they are, what they are told, and a real Prometheus beside a toy shop."""

import json
import shutil
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.grafana import GrafanaProgram
from rulezero.lab.lab import open_lab
from rulezero.lab.messages import Start
from rulezero.lab.observability import NOTHING, Observability, Observe, Observers, for_a_run, what_there_is
from rulezero.lab.parts import Parts
from rulezero.lab.ports import Ports
from tests.lab.support import leftovers, toy_shop, until
from tests.lab.test_programs import program

GRAFANA = GrafanaProgram(Path("/opt/grafana/bin/grafana"), Path("/opt/grafana"))
PROMETHEUS = Path("/usr/bin/prometheus")
ADMIN = {"edge": "127.0.0.1:11", "payment": "127.0.0.1:12"}


class FakeParts:
    """Starts nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.started: dict[str, Start] = {}

    async def start(self, start: Start) -> None:
        self.started[start.name] = start

    async def until_ready(self, name: str, _probe: Any, timeout_s: float) -> None:
        assert name in self.started
        assert timeout_s > 0


async def observed(folder: Path, observe: Observe) -> tuple[Observers, dict[str, Start]]:
    """Start a lab's observers and return where they are and how they were started."""
    parts, ports = FakeParts(), Ports()
    one = Observability(toy_shop(folder), cast("Parts", parts), folder, ports, observe)
    await one.start(ADMIN)
    ports.close()
    return one.addresses, parts.started


def jobs(start: Start) -> dict[str, dict[str, list[str]]]:
    """Return what a Prometheus scrapes: instances and their addresses by job."""
    (file,) = (word.partition("=")[2] for word in start.argv if word.startswith("--config.file="))
    settings = json.loads(Path(file).read_bytes())
    return {
        job["job_name"]: {one["labels"]["instance"]: one["targets"] for one in job["static_configs"]}
        for job in settings["scrape_configs"]
    }


@pytest.mark.wall_clock
async def test_a_run_serves_its_own_metrics_at_ports_of_the_lab(tmp_path: Path) -> None:
    """Those of the load generator, of the runner, of every service under its service's name; samples where told."""
    where, started = await observed(tmp_path, Observe(prometheus=PROMETHEUS, data=tmp_path / "kept"))
    assert jobs(started["prometheus"]) == {
        "edge": {"edge": ["127.0.0.1:11"]},
        "pay": {"payment": ["127.0.0.1:12"]},
        "loadgen": {"loadgen": [where.loadgen]},
        "runner": {"runner": [where.runner]},
        "prometheus": {"prometheus": [where.prometheus]},
    }
    assert f"--storage.tsdb.path={tmp_path / 'kept'}" in started["prometheus"].argv
    assert len({where.loadgen, where.runner, where.prometheus}) == 3
    assert (where.grafana, where.stays, set(started)) == ("", False, {"prometheus"})


@pytest.mark.wall_clock
async def test_load_by_hand_is_at_the_port_that_everybody_knows(tmp_path: Path) -> None:
    """There is no runner; Grafana is shown where Prometheus is; both keep their data in the lab's folder."""
    where, started = await observed(tmp_path, Observe(prometheus=PROMETHEUS, grafana=GRAFANA, by_hand=True))
    scraped = jobs(started["prometheus"])
    assert scraped["loadgen"] == {"loadgen": ["127.0.0.1:9646"]}
    assert "runner" not in scraped
    assert where.loadgen == "127.0.0.1:9646"
    assert where.runner == ""
    assert started["grafana"].environment["RULEZERO_PROMETHEUS_URL"] == f"http://{where.prometheus}"
    assert started["grafana"].environment["GF_SERVER_HTTP_PORT"] == where.grafana.rpartition(":")[2]
    assert Path(started["grafana"].environment["GF_PATHS_DATA"]).parent == tmp_path
    assert any(word == f"--storage.tsdb.path={tmp_path / 'samples'}" for word in started["prometheus"].argv)


@pytest.mark.wall_clock
async def test_nothing_is_started_unless_asked_for(tmp_path: Path) -> None:
    """And nothing is served either."""
    assert await observed(tmp_path, NOTHING) == (Observers(), {})


def test_what_a_machine_has(tmp_path: Path) -> None:
    """A missing program is no error, but for a run that was asked to use it; Grafana alone has nothing to show."""
    bare = {"PATH": str(tmp_path)}
    assert what_there_is(bare) == Observe(by_hand=True)
    with pytest.raises(UsageProblem, match=r"prometheus is not on PATH; install it, .* or run without --prometheus"):
        for_a_run(tmp_path, bare)
    found = program(tmp_path / "prometheus")
    assert what_there_is(bare) == Observe(prometheus=found, by_hand=True)
    assert for_a_run(tmp_path / "kept", bare) == Observe(prometheus=found, data=tmp_path / "kept")


async def targets_up(address: str) -> dict[str, str]:
    """Return the health of each target by instance."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/api/v1/targets") as response:
        answer = await response.json()
    return {one["labels"]["instance"]: one["health"] for one in answer["data"]["activeTargets"]}


@pytest.mark.wall_clock
@pytest.mark.end_to_end
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="NOT RUN: prometheus is not on PATH")
async def test_a_real_prometheus_beside_a_lab(place: Path, tmp_path: Path) -> None:
    """It asks every service; it is a part like the others and ends with them; its samples outlive it."""
    kept = tmp_path / "kept"
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs", observe=for_a_run(kept)) as lab:
        await lab.start_services({})
        health = await targets_up(lab.observers.prometheus)  # It has begun to ask, or a run would lose its beginning.
        assert set(health) == {"edge", "payment", "loadgen", "runner", "prometheus"}
        assert health["prometheus"] == "up"
        assert "prometheus" in lab.processes()
        assert lab.versions["prometheus"]
        assert lab.exits() == []
    await until(lambda: not leftovers(place))
    assert (kept / "wal").is_dir()
