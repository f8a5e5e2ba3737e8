"""A run: arm after arm into one record that is readable however the run ends."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rulezero.checkout import choose_arms, load_experiment
from rulezero.collect.grafana import ADDRESS_VARIABLE
from rulezero.errors import Problem
from rulezero.lab.lab import Lab
from rulezero.lab.observability import Observers
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.lab.proxies import reach_loopback_directly
from rulezero.moment import Progress
from rulezero.record import new_record, read_record
from rulezero.runner.arm import ArmRun
from rulezero.runner.run import Run, begin_run, run_experiment
from rulezero.telemetry.faults import FaultSeries
from tests.collect.grafana_server import FakeGrafana, serving
from tests.collect.test_exporter import fetch

Arms = tuple[str, ...]
NOBODY = Observers()


def begin(folder: Path, arms: Arms = ("none", "timeout", "all")) -> Run:
    experiment = load_experiment("cascading_failure")
    return begin_run(
        experiment,
        choose_arms(experiment, arms),
        seed=1,
        folder=new_record(folder, experiment.name),
        processes=["edge"],
    )


async def go(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[ArmRun, float], Awaitable[None]],
    *,
    observers: Observers = NOBODY,
    grafana: str = "",
) -> None:
    """Run with arms that only do `act`."""

    async def one_arm(self: ArmRun, _: Progress, *, left_after_s: float) -> None:
        (self.folder / "raw" / self.arm.name).mkdir()
        await act(self, left_after_s)

    monkeypatch.setattr(ArmRun, "go", one_arm)
    monkeypatch.setenv(ADDRESS_VARIABLE, grafana)
    versions = {"cache": "valkey 8"}
    lab = SimpleNamespace(versions=versions, observers=observers, traces="", listen_host=LOOPBACK)
    await run_experiment(run, cast("Lab", lab), cast("Progress", None))


def names(record: dict[str, Any]) -> list[str]:
    return [arm["name"] for arm in record["arms"]]


def test_a_record_is_readable_before_anything_ran(tmp_path: Path) -> None:
    """And says that it was interrupted."""
    run = begin(tmp_path)
    record = read_record(run.folder)
    assert record.manifest["interrupted"] is True
    assert record.rows.is_empty()


async def test_arms_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is told how much load follows; the manifest is on disk after each; at the end it was not interrupted."""
    run = begin(tmp_path)
    left_s: list[float] = []

    async def act(arm: ArmRun, left_after_s: float) -> None:
        left_s.append(left_after_s)
        assert arm.spans.endpoint.startswith("http://127.0.0.1:")
        assert len(arm.manifest["arms"]) == len(left_s)

    await go(run, monkeypatch, act)
    record = read_record(run.folder)
    assert names(record.manifest) == ["none", "timeout", "all"]
    assert left_s == [68, 34, 0]
    assert record.manifest["interrupted"] is False
    assert not (run.folder / "raw").exists()


async def test_a_part_that_died_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No further arm runs; the run ended by itself, and the manifest says why."""
    run = begin(tmp_path)
    died = {"arm": "timeout", "part": "edge", "status": "exit status 1", "log_tail": "boom"}

    async def act(arm: ArmRun, _: float) -> None:
        if arm.arm.name == "timeout":
            arm.manifest["exits"].append(died)

    await go(run, monkeypatch, act)
    manifest = read_record(run.folder).manifest
    assert (names(manifest), manifest["exits"], manifest["interrupted"]) == (["none", "timeout"], [died], False)


async def test_a_run_that_is_cancelled_leaves_a_readable_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the arms that began."""
    run = begin(tmp_path)

    async def act(arm: ArmRun, _: float) -> None:
        await asyncio.sleep(0 if arm.arm.name == "none" else 3600)

    running = asyncio.create_task(go(run, monkeypatch, act))
    await asyncio.sleep(10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    manifest = read_record(run.folder).manifest
    assert (names(manifest), manifest["interrupted"]) == (["none", "timeout"], True)
    assert not (run.folder / "raw").exists()


async def test_a_run_that_fails_leaves_a_readable_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the problem is the caller's to tell."""
    run = begin(tmp_path)

    async def act(_: ArmRun, __: float) -> None:
        raise Problem("the load generator failed")

    with pytest.raises(Problem, match="the load generator failed"):
        await go(run, monkeypatch, act)
    assert read_record(run.folder).manifest["interrupted"] is True


@pytest.mark.wall_clock
@pytest.mark.parametrize(("named", "stays", "noted"), [(True, False, True), (False, True, True), (False, False, False)])
async def test_the_grafana_that_outlives_a_run_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, named: bool, stays: bool, noted: bool
) -> None:
    """The user's own, or one of containers; not one that ends with the lab. The run's region ends when it does."""
    reach_loopback_directly()
    run = begin(tmp_path, ("none",))

    async def act(_: ArmRun, __: float) -> None:
        await asyncio.sleep(0)

    with serving(FakeGrafana()) as fake:
        own = Observers(grafana="" if named else fake.url.removeprefix("http://"), stays=stays)
        await go(run, monkeypatch, act, observers=own, grafana=fake.url if named else "")
    assert read_record(run.folder).manifest.get("grafana") == (fake.url if noted else None)
    (region,) = fake.annotations.values()
    assert region["tags"] == ["rulezero", "experiment", "cascading_failure"]
    assert 0 <= region["timeEnd"] - region["time"] < 30_000


@pytest.mark.wall_clock
async def test_a_grafana_that_does_not_answer_costs_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not noted, and the arms run."""
    run = begin(tmp_path, ("none",))
    ran: list[str] = []

    async def act(arm: ArmRun, _: float) -> None:
        ran.append(arm.arm.name)

    await go(run, monkeypatch, act, grafana="http://127.0.0.1:1")
    manifest = read_record(run.folder).manifest
    assert (ran, manifest["interrupted"], "grafana" in manifest) == (["none"], False, False)


@pytest.mark.wall_clock
async def test_faults_can_be_scraped_while_the_arms_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the address that the lab keeps for it."""
    run = begin(tmp_path, ("none",))
    ports = Ports()
    address = f"{LOOPBACK}:{ports.reserve()}"
    seen: list[str] = []

    async def act(_: ArmRun, __: float) -> None:
        FaultSeries("payment", "kill", "kill").show(1)
        seen.append(await asyncio.to_thread(fetch, address))

    await go(run, monkeypatch, act, observers=Observers(runner=address))
    ports.close()
    assert 'proxy="payment"' in seen[0]
