"""Mirrors benchmarks/toxiproxy.py and the files beside it."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks import toxiproxy
from benchmarks.toxiproxy_traffic import Window

RATES = ("requests_per_s", "requests_per_s_unpinned", "bulk_mib_per_s", "connections_per_s")


def window(*latencies_s: float, count: int = 0, wall_s: float = 1.0) -> Window:
    return Window(lambda: 0.0, count=count, wall_s=wall_s, latencies_s=list(latencies_s))


def test_without_the_original_there_is_nothing_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told instead of figures."""
    for name in (toxiproxy.VARIABLE, "RULEZERO_TOXIPROXY_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    assert list(toxiproxy.measure()) == ["skipped"]


@pytest.mark.wall_clock
def test_every_figure_is_measured_on_both_sides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One short round with the embedded server in the original's place; no process and no core is kept."""
    server = tmp_path / "server"
    server.write_text(f'#!/bin/sh\nexec {sys.executable} -m rulezero.toxiproxy "$@"\n')
    server.chmod(0o700)
    monkeypatch.setenv(toxiproxy.VARIABLE, str(server))
    monkeypatch.setattr(toxiproxy, "ROUNDS", 1)
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    found = toxiproxy.measure()
    assert set(found["real"]) == set(found["embedded"]) >= set(found["embedded_over_real"]) > set(RATES)
    assert all(found[side][rate] > 0 for side in ("real", "embedded") for rate in RATES)
    assert psutil.Process().children() == []
    assert before == (os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set())


def test_added_latency_is_a_median_of_differences_within_a_round() -> None:
    """What slows both sides of a round does not count."""
    windows = {
        "direct": [window(0.001, 0.001), window(0.005, 0.005), window(0.001, 0.001)],
        "real": [window(0.003, 0.003), window(0.007, 0.007), window(0.009, 0.009)],
    }
    assert toxiproxy._added_us(windows, "real", 50) == pytest.approx(2000)


def test_ratio_of_rates_is_a_median_over_rounds() -> None:
    """A round in which the machine was busy does not count more than another."""
    latencies = (0.001, 0.002)
    sides = {
        "real": [window(*latencies, count=count) for count in (100, 1000, 10)],
        "embedded": [window(*latencies, count=count) for count in (90, 90, 9)],
        "direct": [window(*latencies)] * 3,
    }
    for side in sides.values():
        for each in side:
            each.cpu_s = 1.0
    found = toxiproxy._figures(dict.fromkeys(toxiproxy.LOADS, sides))
    assert found["embedded_over_real"]["requests_per_s"] == 0.9
    assert found["real"]["requests_per_s"] == 100
