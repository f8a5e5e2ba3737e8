"""The generator's metrics under a plan: the same numbers as the rows, there from before the load to after it."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from rulezero.experiment import Burst, Stream
from rulezero.load import LoadPlan
from rulezero.outcome import Outcome
from tests.loadtests.runs import LEAD_S, generator, plan, read_rows, run_plan
from tests.loadtests.scraped import Scrape, free_port, scrape
from tests.loadtests.server import stallable_server

DURATION, COUNT = "loadgen_request_duration_seconds", "loadgen_request_duration_seconds_count"
PER_PHASE = ("loadgen_arrivals_total", "loadgen_dropped_arrivals_total", "loadgen_good_total")


def exported(folder: Path, url: str, *streams: Stream, bursts: tuple[Burst, ...] = (), cap: int = 2000) -> LoadPlan:
    load = plan(folder, url, *streams, bursts=bursts, in_flight_max=cap, fault_s=1.5)
    return replace(load, experiment="stall", arm="none", metrics_port=free_port())


async def scraped_run(load: LoadPlan) -> tuple[Scrape, Scrape, Scrape]:
    """Run the plan; return scrapes from before it, from its middle and from after its end."""
    port = load.metrics_port or 0
    async with generator(load) as child:
        before = await scrape(port)
        zero_s = asyncio.get_running_loop().time() + LEAD_S
        await child.begin(zero_s)
        await asyncio.sleep(LEAD_S + load.duration_s / 2)
        during = await scrape(port)
        await asyncio.sleep(load.duration_s / 2 + 0.7)
        after = await scrape(port)
        await child.wait(timeout_s=load.duration_s + 10)
    return before, during, after


@pytest.mark.wall_clock
async def test_the_metrics_and_the_rows_agree_to_the_last_request(tmp_path: Path) -> None:
    """By route and phase: arrivals, outcomes, good answers, drops; the last request is seen before the process ends."""
    streams = (
        Stream(route="browse", rate_rps=80, deadline_s=0.4),
        Stream(route="checkout", rate_rps=20, deadline_s=0.4),
    )
    async with stallable_server() as server:
        server.answers = {"/checkout": b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "/browse/1": b""}
        burst = Burst(route="search", at_s=0.3, count=60, key=7, deadline_s=0.4)
        load = exported(tmp_path, server.url, *streams, bursts=(burst,), cap=50)
        _, _, after = await scraped_run(load)
    rows = read_rows(tmp_path / "rows.csv")
    told = Counter((row.route, row.phase, row.outcome.value) for row in rows)
    assert {outcome for _, _, outcome in told} >= {"ok", "rejected", "timeout", "not_sent"}
    for (route, phase, outcome), count in told.items():
        assert after.sum(COUNT, name=route, phase=phase, outcome=outcome, arm="none") == count
    assert after.sum(COUNT) == len(rows)
    for (route, phase), count in Counter((row.route, row.phase) for row in rows).items():
        assert after.sum("loadgen_arrivals_total", name=route, phase=phase) == count
        assert after.sum("loadgen_good_total", name=route, phase=phase) == told[route, phase, "ok"]
    dropped = sum(row.outcome is Outcome.NOT_SENT for row in rows)
    assert after.sum("loadgen_dropped_arrivals_total") == dropped > 0
    assert after.sum("loadgen_send_lag_seconds_count") == len(rows) - dropped
    assert after.sum(f"{DURATION}_sum") == pytest.approx(
        sum(row.latency_ms for row in rows) / 1000, abs=0.001 * len(rows)
    )


@pytest.mark.wall_clock
async def test_every_series_is_there_at_0_before_the_load_begins(tmp_path: Path) -> None:
    """A counter that appeared with its first request would have lost it to a rate."""
    async with stallable_server() as server:
        load = exported(tmp_path, server.url, Stream(route="browse", rate_rps=50))
        before, _, after = await scraped_run(load)
    phases = {phase for phase, _, _ in load.windows}
    for name in (*PER_PHASE, COUNT):
        assert before.values(name, "phase") == phases
        assert before.sum(name) == 0
    assert before.values(COUNT, "outcome") == {outcome.value for outcome in Outcome}
    assert {name for name, _ in before.samples} == {name for name, _ in after.samples}
    assert before.sum("loadgen_target_rate") == before.sum("loadgen_run_seconds") == before.sum("experiment_info") == 0


@pytest.mark.wall_clock
async def test_time_rate_and_arm_are_told_while_they_last(tmp_path: Path) -> None:
    """The run id is in one metric alone; the time of each phase adds up to the length of the load."""
    async with stallable_server() as server:
        load = exported(tmp_path, server.url, Stream(route="browse", rate_rps=50))
        _, during, after = await scraped_run(load)
    label = {"experiment": "stall", "arm": "none", "seed": "1", "run_id": load.run_id}
    assert during.sum("experiment_info", **label) == during.sum("experiment_info") == 1
    assert during.sum("loadgen_target_rate", name="browse") == 50
    assert load.duration_s / 2 <= during.sum("loadgen_run_seconds") < load.duration_s
    for phase, start_s, end_s in load.windows:
        assert after.sum("loadgen_phase_seconds_total", phase=phase) == pytest.approx(end_s - start_s)
    assert after.sum("experiment_info") == after.sum("loadgen_target_rate") == 0
    assert {name for name, labels in during.samples if "run_id" in dict(labels)} == {"experiment_info"}


@pytest.mark.wall_clock
async def test_a_sampled_request_is_an_example_of_its_bucket(tmp_path: Path) -> None:
    """Only traces that were recorded: a point on a chart must not lead to nothing."""
    async with stallable_server() as server, stallable_server() as sink:
        load = exported(tmp_path, server.url, Stream(route="browse", rate_rps=50))
        _, _, after = await scraped_run(replace(load, otlp_endpoint=sink.url))
        recorded = {head.split("traceparent: ")[1].split("-")[1] for head in server.heads if "-01\r\n" in head}
    assert after.traces
    assert after.traces <= recorded


@pytest.mark.wall_clock
async def test_a_taken_port_costs_a_line_and_nothing_else(tmp_path: Path) -> None:
    """The load runs as planned; why there are no metrics is in the generator's log."""
    async with stallable_server() as server:
        load = replace(plan(tmp_path, server.url, Stream(route="browse", rate_rps=50)), metrics_port=server.port)
        rows, reports = await run_plan(load)
    assert len(rows) == reports[-1]["scheduled"] > 0
    assert f"no metrics on 127.0.0.1:{server.port}: " in (tmp_path / "locust.log").read_text(encoding="utf-8")
