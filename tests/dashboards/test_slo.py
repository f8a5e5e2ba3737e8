"""Promises, and the windows in which a broken one is noticed."""

from pathlib import Path

import pytest

from dashboards.slo import SLO_FILE, TIERS, Slo, duration, read_promises


def test_windows_are_production_s_divided() -> None:
    """An hour is a minute, five minutes are five seconds; factors stay."""
    promises = read_promises()
    assert promises.windows_s == (5, 30, 60, 360)
    assert [tier.factor for tier in TIERS] == [14.4, 6.0]


@pytest.mark.parametrize("scale", ["90", "70"])
def test_windows_too_short_to_measure_are_refused(tmp_path: Path, scale: str) -> None:
    """Fewer than four scrapes, or no whole number of seconds."""
    path = tmp_path / "slo.toml"
    path.write_text(SLO_FILE.read_text("utf-8").replace("time_scale = 60", f"time_scale = {scale}"), encoding="utf-8")
    with pytest.raises(ValueError, match="lower time_scale"):
        _ = read_promises(path).windows_s


def test_a_threshold_between_two_buckets_is_refused() -> None:
    """Its bucket does not exist, and nothing would ever be good."""
    with pytest.raises(ValueError, match="no bound of the buckets"):
        Slo(name="odd", routes=("browse",), objective=0.95, within_s=0.3)


@pytest.mark.parametrize(("routes", "objective"), [((), 0.9), (("browse",), 1.0), (("browse",), 0.0)])
def test_an_empty_promise_is_refused(routes: tuple[str, ...], objective: float) -> None:
    """No route, or a promise that leaves no budget or that anything keeps."""
    with pytest.raises(ValueError, match="needs routes"):
        Slo(name="odd", routes=routes, objective=objective)


def test_the_budget_is_what_the_objective_leaves() -> None:
    """Without the crumbs of binary fractions."""
    assert {one.name: one.budget for one in read_promises().slos} == {
        "browse-availability": 0.01, "browse-latency": 0.05, "checkout-availability": 0.01,
    }  # fmt: skip


def test_durations_read_as_prometheus_writes_them() -> None:
    """Whole minutes in minutes."""
    assert [duration(one) for one in (5, 30, 60, 90, 360)] == ["5s", "30s", "1m", "90s", "6m"]
