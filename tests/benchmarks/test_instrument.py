"""The instrument check: what it makes of a run, and the page it prints. No lab is started here."""

import json
import math
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from benchmarks.__main__ import INSTRUMENT_RESULTS, main
from benchmarks.instrument import summed_up
from benchmarks.instrument_page import page
from benchmarks.instrument_point import SERVICE_S, SLOTS, WARMUP_S, Load, Told, Waits, judge
from rulezero.analysis.predict import erlang_c_wait_s, waits_s
from rulezero.load import Row
from rulezero.outcome import Outcome

PAGE = Path(__file__).parents[2] / "docs/instrument.md"
WRITE_S = 0.004
SEED = 7
WAITS = Waits(rate_rps=50, hold_s=0.05, wait_s=0.011, client_s=0.013, erlang_s=0.01, law_s=0.01, arrivals_s=0.011)


def answered(at_s: float, *, status: int = 201) -> Row:
    return Row(
        intended_s=at_s, sent_s=at_s, latency_ms=60.0, route="charge", key=1, priority="normal", phase="baseline",
        outcome=Outcome.OK, status=status, attempts=1, operation_id="", trace_id="", kind="stream",
    )  # fmt: skip


@pytest.mark.parametrize("cv", [1.0, 0.0])
def test_a_run_is_held_against_the_line_of_its_very_arrivals(cv: float) -> None:
    """A service that draws as ours does, and waits as it should, is right to the last digit."""
    load = Load(rate_rps=50.0, cv=cv, seed=SEED, length_s=60.0)
    random = Random("arrivals")
    arrivals_s = list(accumulate(random.expovariate(load.rate_rps) for _ in range(3000)))
    draws = Random(f"{SEED}:payment:service")
    services_s = [(draws.expovariate(1 / SERVICE_S) if cv else SERVICE_S) + WRITE_S for _ in arrivals_s]
    waited_s = waits_s(arrivals_s, services_s, SLOTS)
    counted = [number for number, at_s in enumerate(arrivals_s) if at_s >= WARMUP_S]
    told = Told(
        wait_s=fmean(waited_s[number] for number in counted), hold_s=fmean(services_s[number] for number in counted)
    )
    found = judge([answered(at_s) for at_s in arrivals_s], told, load)
    assert found.arrivals_s == pytest.approx(told.wait_s)
    assert found.erlang_s == erlang_c_wait_s(SLOTS, len(counted) / 60, told.hold_s)
    assert 0.4 * found.erlang_s < found.law_s < found.erlang_s, "the write, or all of it, is no chance"


@pytest.mark.parametrize("rows", [[], [answered(1.0)], [answered(7.0), answered(8.0, status=503)]])
def test_a_run_in_which_not_all_was_answered_says_nothing(rows: list[Row]) -> None:
    """Nor one in which nothing was."""
    with pytest.raises(ValueError, match="not answered as they should"):
        judge(rows, Told(wait_s=0.0, hold_s=0.05), Load(rate_rps=1, cv=1, seed=1, length_s=10))


def test_a_point_is_the_mean_of_its_runs_and_the_interval_of_their_ratios() -> None:
    """A single run has no interval; the way is taken off what the generator saw."""
    point = summed_up("exponential", 0.7, [WAITS, replace(WAITS, wait_s=0.009)], way_s=0.002)
    assert (point["wait_ms"], point["client_ms"]) == (10.0, 11.0)
    ratio = point["over_erlang"]
    assert ratio["mean"] == 1.0
    assert ratio["high"] - 1 == pytest.approx(12.706 * 0.1 / math.sqrt(1), rel=0.01), "Student's t of two"
    assert summed_up("fixed", 0.7, [WAITS], way_s=0.0)["over_law"] == {"mean": 1.1, "low": None, "high": None}


def test_the_page_in_the_docs_is_the_one_of_the_committed_results() -> None:
    """Word for word; `make instrument` measures and writes both."""
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(INSTRUMENT_RESULTS.read_text(encoding="utf-8")))


def test_markdown_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the page."""
    before = INSTRUMENT_RESULTS.read_bytes()
    assert main(["instrument", "--markdown"]) == 0
    assert capsys.readouterr().out == page(json.loads(before))
    assert INSTRUMENT_RESULTS.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["instrument", "defences"], "no part instrument"),
        (["instrument", "--seconds", "0"], "--seconds must be 1 to 3600, --repetitions 1 or more"),
        (["instrument", "--seconds", "inf"], "--seconds must be 1 to 3600, --repetitions 1 or more"),
        (["instrument", "--seconds", "nan"], "--seconds must be 1 to 3600, --repetitions 1 or more"),
        (["instrument", "--repetitions", "0"], "--seconds must be 1 to 3600, --repetitions 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert named in capsys.readouterr().err
