"""The price list in Markdown and on a terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from rulezero.analysis.price import FIGURES
from rulezero.report.price import decided, print_prices, report, table

EFFECT = {"mean": 0.2, "low": 0.1, "high": 0.3, "rounds": 5, "told": True}
NOTHING = {"mean": 0.01, "low": -0.2, "high": 0.2, "rounds": 5, "told": False}
NONE = {"mean": 0.0, "low": 0.0, "high": 0.0, "rounds": 5, "told": False}


def row(defence: str = "timeout", **changes: Any) -> dict[str, Any]:
    figures: dict[str, Any] = {figure.name: NOTHING for figure in FIGURES}
    figures |= {"p50_ms": EFFECT, "false_trips": NONE, "acts": NONE}
    return {
        "defence": defence, "control": "none", "rounds": 5, "decisions": "false trips", "decided": {},
        "control_figures": {figure.name: 20.0 for figure in FIGURES}, "figures": figures,
    } | changes  # fmt: skip


def prices(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "experiment": "no_fault", "reproduce": "rulezero price --rounds 5 --seed 1", "started_at": "2026-11-22",
        "host": {"cores": 2, "platform": "Linux", "python": "3.11"}, "seed": 1, "rounds_asked": 5, "rounds": 5,
        "left_out": [], "summary": "After 5 rounds.", "prices": list(rows or (row(),)),
    } | changes  # fmt: skip


def printed(told: dict[str, Any], width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_prices(told, console, folder="runs/x-price-no_fault")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_is_for_the_docs() -> None:
    """A row for each defence, what is told from zero stands out, and it says where and when it was measured."""
    text = table(prices(row(), row("circuit_breaker", control="timeout")))
    lines = text.splitlines()
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert lines[2].startswith("| `timeout` | `none` | **+0.2 \\[+0.1, +0.3\\]** \\* | +0.01 \\[-0.2, +0.2\\] |")
    assert lines[3].startswith("| `circuit_breaker` | `timeout` |")
    assert lines[-1] == "Measured 2026-11-22 on 2 cores, Linux, Python 3.11: 5 rounds from seed 1."


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "0"),
        ({"decided": {"timed_out": 0.5}, "trips": 0.5}, "0.5 (timed_out 0.5)"),
        ({"decisions": "acts", "decided": {"follower": 12.0}, "acts": 12.0}, "acts 12 (follower 12)"),
        (
            {"decisions": "acts", "decided": {"follower": 12.0, "load_timed_out": 1.0}, "acts": 12.0, "trips": 1.0},
            "acts 12, false trips 1 (follower 12, load_timed_out 1)",
        ),
    ],
)
def test_decisions_are_told_by_name(changes: dict[str, Any], text: str) -> None:
    """The work of all days is not called a trip."""
    told = row(**{name: value for name, value in changes.items() if name in ("decisions", "decided")})
    told["figures"]["false_trips"] = {**NONE, "mean": changes.get("trips", 0.0)}
    told["figures"]["acts"] = {**NONE, "mean": changes.get("acts", 0.0)}
    assert decided(told) == text


def test_what_was_not_measured_is_a_dash() -> None:
    """In a table as in a sentence."""
    empty = row(figures=dict.fromkeys(figure.name for figure in FIGURES), rounds=0)
    assert decided(empty) == "-"
    assert "| `timeout` | `none` | - | - | - | - | - | - | - | 0 |" in table(prices(empty))
    assert "timeout" in printed(prices(empty), 200)


def test_the_report_tells_what_was_left_out() -> None:
    """With the reasons, escaped, and how to measure it again."""
    left_out = [{"round": "round-2", "arms": ["retry"], "reasons": ["retry: p99_x <b>"]}]
    text = report(prices(left_out=left_out))
    assert "- round-2: retry\n  - retry: p99\\_x \\<b\\>" in text
    assert "    rulezero price --rounds 5 --seed 1" in text
    assert "With none: p50 20 ms" in text
    assert "Left out" not in report(prices())


def test_a_terminal_of_the_usual_width_gets_a_table() -> None:
    """With what decides: each price and half of its range, what it did, and the star."""
    acts = {"decisions": "acts", "decided": {"follower": 12.0}}
    figures = {**row()["figures"], "acts": {**NONE, "mean": 12.0}}
    text = printed(prices(row(), row("coalescing", figures=figures, **acts)), 80)
    (line,) = (one for one in text.splitlines() if one.strip().startswith("coalescing"))
    assert line.split() == ["coalescing", "none", "+0.2", "±0.1", "*", "+0.01", "±0.2", "+1", "±20", "acts", "12"]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [60, 200])
def test_every_terminal_gets_all_of_it(width: int) -> None:
    """A table where there is room, else lines; stars say without colour what is told from zero."""
    left_out = [{"round": "round-2", "arms": ["retry"], "reasons": ["retry: busy"]}]
    text = " ".join(printed(prices(left_out=left_out), width).split())
    assert "+0.2 [+0.1, +0.3] *" in text
    assert "+0.01 [-0.2, +0.2] *" not in text
    assert "left out of round-2: retry (retry: busy)" in text
    assert "series: runs/x-price-no_fault" in text
