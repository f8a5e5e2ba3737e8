"""What the terminal shows, piped and narrow."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rulezero.record import Record
from rulezero.report.terminal import print_result

REPORT = Path("/some/where/that/is/rather/long/runs/20261122T130000-cascading_failure/report.html")

CACHES = {"item": {"loads_per_renewal": 21.0, "blocked_reads": 42.0, "stale": 0.0, "renewals": 2.0, "missed": 42.0}}


def printed(verdict: dict[str, Any], *, width: int = 80, report: Path | None = REPORT) -> str:
    file = io.StringIO()
    print_result(verdict, Console(file=file, width=width), report=report)
    return file.getvalue()


def test_piped_output_is_plain_and_fits(record: Record) -> None:
    """No escape codes, no line over 80 columns but the path, which stays whole."""
    text = printed(record.verdict)
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if len(line.rstrip()) > 80] == [f"report: {REPORT}"]


def test_arms_are_rows_and_the_verdict_is_words(record: Record) -> None:
    """A row has the goodput of the three phases; what never decided anything is told."""
    lines = printed(record.verdict).splitlines()
    row = next(line.split() for line in lines if line.startswith(" none "))
    assert row == ["none", "97.6", "11.3", "66.3", "89", "%", "4", "s", "control"]
    assert "Supported: the prediction held." in lines
    assert "circuit_breaker: on, but never decided anything: timeout" in lines


@pytest.mark.parametrize("width", [30, 50, 71])
def test_a_narrow_terminal_gets_lines_instead_of_a_table(record: Record, width: int) -> None:
    """Nothing is cut off."""
    text = printed(record.verdict, width=width, report=None)
    assert all(len(line) <= width for line in text.splitlines())
    assert "66.3 hold; 89 % failed in the fault; recovery 4 s" in " ".join(text.split())


def test_an_invalid_run_shows_its_reasons_and_no_verdict(record: Record) -> None:
    """Square brackets in a reason are text, not markup."""
    text = printed({**record.verdict, "valid": False, "invalid_reasons": ["part [red]edge[/] died"]})
    assert "INVALID RUN" in text
    assert "  - part [red]edge[/] died" in text
    assert "Supported" not in text


def test_what_did_not_hold_is_named(record: Record) -> None:
    """A refuted prediction says which check failed."""
    checks = [{"held": False, "control": False, "text": "kept 40 %"}, {"held": True, "control": False, "text": "fine"}]
    text = printed({**record.verdict, "verdict": "refuted", "checks": checks})
    assert "Refuted: the prediction did not hold." in text
    assert "did not hold: kept 40 %" in text
    assert "fine" not in text


def test_loads_at_the_origin_are_told_where_there_are_any(record: Record) -> None:
    """One line per arm that has them."""
    first, second = record.verdict["arms"]
    loads = {"total": 328.0, "per_expiry": 26.7, "burst": 214.0}
    text = printed({**record.verdict, "arms": [{**first, "origin_loads": loads}, second]})
    assert text.count("loads at the origin") == 1
    assert "none: loads at the origin: 328 in all, 26.7 per expiry, 214 after the crowd came" in text


@pytest.mark.parametrize("width", [50, 72, 100])
def test_the_yardstick_and_the_inside_are_told(record: Record, width: int) -> None:
    """As a column where there is room for a table; nothing is cut off."""
    first, second = record.verdict["arms"]
    arms = [{**first, "yardstick": 27.25, "caches": CACHES}, {**second, "yardstick": 2.3, "effect_by": "yardstick"}]
    text = printed({**record.verdict, "yardstick": "attempts per request", "arms": arms}, width=width, report=None)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    told = " ".join(text.split())
    assert "27.2" in told
    assert "inside the system: none: loads per renewal 21; reads that waited 42;" in told


@pytest.mark.parametrize("width", [72, 80, 100])
def test_how_each_arm_stood_is_a_table(record: Record, width: int) -> None:
    """State, loop, waste and budget fit, and what the columns mean is said below."""
    first, second = record.verdict["arms"]
    state = {"state": "undecided", "hold_timeouts": 6.67, "gain": 1.8, "gain_link": "checkout-inventory"}
    text = printed({**record.verdict, "arms": [{**first, "state": state}, second]}, width=width, report=None)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    assert "…" not in text
    for told in ("undecided", "(checkout-inventory)", "recovered", "after 0.5 s", "outages", "objective of 99 %"):
        assert told in text


def test_a_narrow_terminal_has_the_budget_in_words(record: Record) -> None:
    """One line per arm, wrapped."""
    told = " ".join(printed(record.verdict, width=50, report=None).split())
    burnt = "burnt 58.4 x what the objective of 99 % allows in that time; 1,980 outages like this a month can afford"
    assert f"none: recovered after 4 s; {burnt}" in told
    assert "circuit_breaker: recovered after 0.5 s; burnt 19.3 x" in told


def test_an_old_verdict_has_no_states(record: Record) -> None:
    """One that was written before there were any is printed all the same."""
    old = [{k: v for k, v in each.items() if k not in ("state", "budget")} for each in record.verdict["arms"]]
    for width in (50, 80):
        assert "objective" not in printed({**record.verdict, "arms": old}, width=width)


def test_predictions_stand_beside_what_was_measured(record: Record) -> None:
    """Of every arm that has one; what is outside its band, or was not measured, is marked."""
    first, second = record.verdict["arms"]
    pool = first["predictions"][0]
    others = [{**pool, "measured": 3.0, "within": False}, {**pool, "measured": None, "within": None}]
    told = " ".join(printed({**record.verdict, "arms": [first, {**second, "predictions": others}]}).split())
    assert "none: pool_exhaustion_s: predicted 1.6, measured 1.71 (1.07 x), accepted 1.2 to 2 " in told
    assert "circuit_breaker: pool_exhaustion_s: predicted 1.6, measured 3 (1.88 x), OUTSIDE 1.2 to 2 " in told
    assert "predicted 1.6, measured -, NOT MEASURED, accepted 1.2 to 2 " in told


def test_an_empty_verdict_is_printed() -> None:
    """As of a record that was stopped before its first row."""
    assert "INVALID RUN" in printed({})
