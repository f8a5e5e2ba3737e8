"""One run, looked at twice: by the boards' PromQL over a real Prometheus, and by the record."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from dashboards.prometheus_api import Prometheus, Series, Span
from dashboards.queries import slo, users
from dashboards.recorded import serving
from dashboards.slo import read_promises
from rulezero.analysis.counters import increase
from rulezero.checkout import choose_arms, load_experiment
from rulezero.cli.executing import SAMPLES, Request, execute
from rulezero.experiment import MEASURED, Durations
from rulezero.outcome import Outcome
from rulezero.record import Record, read_record

pytestmark = [
    pytest.mark.wall_clock,
    pytest.mark.end_to_end,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="not run: prometheus is not on PATH"),
]
DURATIONS = Durations(warmup_s=3, baseline_s=6, fault_s=6, hold_s=6)
ARMS = ("none", "timeout")
LIMIT = 0.02
# On a machine that is busy with something else both sides miss scrapes: such a run is made once more.
RUNS_MAX = 2
NEEDED = ("scrapes", "generator_shortfall", "send_lag_ms_p99", "event_loop_lag_ms_p95")
BEFORE_S, AFTER_S = 1.0, 1.2  # The generator stays for more than a scrape after its last request.


@dataclass(frozen=True)
class Run:
    """A record, the Prometheus that has its samples, and the verdict's figures by arm."""

    record: Record
    prometheus: Prometheus
    figures: dict[str, dict[str, Any]]

    def began_s(self, arm: str) -> float:
        """Return when the load of an arm began, in seconds since 1970."""
        (began_s,) = (one["began_at_s"] for one in self.record.manifest["arms"] if one["name"] == arm)
        return float(began_s)

    def span(self, first: str, last: str) -> Span:
        """Return the range from before one arm to after another."""
        end_s = self.began_s(last) + DURATIONS.total_s + AFTER_S
        return Span(start_s=self.began_s(first) - BEFORE_S, end_s=end_s)

    def ask(self, expression: str, span: Span) -> list[Series]:
        """Return what a board shows of a range."""
        length = f"{span.length_s:.0f}s"
        filled = expression.replace("$__range", length).replace("$__rate_interval", length)
        return self.prometheus.at_end(filled, span)

    def at(self, expression: str, at_s: float) -> list[Series]:
        """Return what an expression says at an instant."""
        return self.prometheus.at_end(expression, Span(start_s=at_s, end_s=at_s))


def measure(out: Path) -> tuple[Path, dict[str, Any]]:
    """Run the arms with a Prometheus beside them."""
    experiment = replace(load_experiment("cascading_failure"), durations=DURATIONS)
    request = Request(
        experiment=experiment, arms=choose_arms(experiment, ARMS), seed=1, out=out, console=Console(), quiet=True,
        prometheus=True,
    )  # fmt: skip
    return execute(request)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run two arms, once for all tests."""
    for _ in range(RUNS_MAX):
        folder, verdict = measure(tmp_path_factory.mktemp("runs"))
        if all(check["ok"] for check in verdict["validity"] if check["name"] in NEEDED):
            break
    record = read_record(folder)
    assert record.manifest["interrupted"] is False
    with serving(folder / SAMPLES) as url:
        yield Run(record, Prometheus(url), {arm["name"]: arm for arm in verdict["arms"]})


def differ(measured: float, recorded: float) -> float:
    """Return the difference as a share of what the record says."""
    return abs(measured - recorded) / recorded if recorded else abs(measured)


def test_goodput(run: Run) -> None:
    """By arm and phase, as the board that compares arms has it."""
    found = run.ask(users.per_phase_second("loadgen_good_total", "arm, phase"), run.span(ARMS[0], ARMS[-1]))
    shown = {(one.labels["arm"], one.labels["phase"]): one.last for one in found}
    for arm in ARMS:
        for phase in MEASURED:
            recorded = run.figures[arm]["goodput_rps"][phase]
            assert differ(shown[arm, phase], recorded) < LIMIT, (arm, phase, shown[arm, phase], recorded)


def test_attempts_per_request(run: Run) -> None:
    """Over an arm: attempts at every dependency, per request of a user.

    Every process is fresh and counts from 0, so the highest value is the count. The boards' rate() guesses what came
    after the last scrape, of each process another part of a second: over so short a range that alone is two percent.
    """
    for arm in ARMS:
        span = Span(start_s=run.began_s(arm), end_s=run.began_s(arm) + DURATIONS.total_s + AFTER_S)
        (shown,) = run.ask(users.ATTEMPTS_PER_REQUEST.replace("rate(", "max_over_time("), span)
        metrics = run.record.metrics.filter(pl.col("arm") == arm)
        attempts = increase(metrics, "dependency_attempts_total", start_s=0, end_s=DURATIONS.total_s + AFTER_S)
        recorded = attempts / run.record.rows.filter(pl.col("arm") == arm).height
        assert recorded > 1
        assert differ(shown.last, recorded) < LIMIT, (arm, shown.last, recorded)


@pytest.mark.parametrize("name", [one.name for one in read_promises().slos])
def test_error_budget(run: Run, name: str) -> None:
    """What is spent of it over the whole run, arms that failed included."""
    (promise,) = (one for one in read_promises().slos if one.name == name)
    (shown,) = run.ask(slo.budget_left(promise), run.span(ARMS[0], ARMS[-1]))
    rows = run.record.rows.filter(pl.col("route").is_in(promise.routes))
    good = pl.col("outcome") == Outcome.OK
    if promise.within_s is not None:
        good &= pl.col("latency_ms") <= promise.within_s * 1000
    recorded = (1 - rows.filter(good).height / rows.height) / promise.budget
    assert recorded > 1
    assert differ(1 - shown.last, recorded) < LIMIT, (1 - shown.last, recorded)


def test_faults_and_arms_are_on_the_same_clock(run: Run) -> None:
    """The fault is shown from when the record says that it began; each arm is shown in its own time."""
    for arm in ARMS:
        (fault,) = (one for one in run.record.manifest["faults"] if one["arm"] == arm)
        for at_s, active in ((fault["start_s"] - 1, 0), (fault["start_s"] + 1.5, 1), (fault["end_s"] + 1.5, 0)):
            told = run.at("max by (proxy, type) (toxic_active)", run.began_s(arm) + at_s)
            assert {one.last for one in told} == {active}
        (shown,) = run.at("experiment_info == 1", run.began_s(arm) + DURATIONS.total_s / 2)
        assert (shown.labels["arm"], shown.labels["experiment"]) == (arm, "cascading_failure")
