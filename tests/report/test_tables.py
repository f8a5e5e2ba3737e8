"""The cells of the tables, from figures small enough to check by hand."""

from typing import Any

from rulezero.report import tables


def arm(name: str = "all", **figures: Any) -> dict[str, Any]:
    return {
        "name": name, "defences": ["timeout"], "goodput_rps": {"baseline": 100.0, "fault": 50.0, "hold": 95.0},
        "offered_rps": {"baseline": 100.0, "fault": 80.0, "hold": 100.0}, "recovery_s": 2.0, "effect": "better",
        "outcomes": {"baseline": {"ok": 700}, "fault": {"ok": 600, "timeout": 150, "error": 50}, "hold": {"ok": 1200}},
        "latency_ms": {"baseline": {"p50": 20.0, "p99": 90.0}, "fault": {"p50": None, "p99": None}, "hold": {}},
        "attempts_per_request": {"a": {"baseline": 1.0, "fault": 3.0}, "b": {"baseline": 1.0, "fault": None}},
        **figures,
    }  # fmt: skip


def test_an_arm_beside_the_others() -> None:
    """Goodput with what is left of the baseline, and the link with the most attempts."""
    row = tables.arm_rows({"arms": [arm()]})[0]
    assert row.goodput == {"baseline": "100", "fault": "50", "hold": "95"}
    assert row.kept == {"baseline": "100 %", "fault": "50 %", "hold": "95 %"}
    assert (row.failed, row.recovery, row.attempts) == ("38 %", "2 s", "3 on a (fault)")


def test_an_arm_that_never_recovered_says_so() -> None:
    """No number stands for "never"."""
    assert tables.arm_rows({"arms": [arm(recovery_s=None)]})[0].recovery == "not recovered"


def test_late_answers_are_failures() -> None:
    """800 asked at 80 a second and 50 good a second: 500 were good, so 100 of 600 answers were too late."""
    assert tables.failures(arm(), "fault") == {"late": 100, "timeout": 150, "error": 50}
    assert tables.outcomes_text(arm(), "fault") == "150 timeout, 100 late, 50 error"
    assert tables.outcomes_text(arm(), "baseline") == "none"


def test_every_percentile_has_failures_beside_it() -> None:
    """A row of latencies always carries the failed share."""
    rows = tables.phase_rows({"arms": [arm()]})
    assert [(row.phase, row.p50, row.failed) for row in rows] == [
        ("baseline", "20 ms", "0 %"),
        ("fault", "-", "38 %"),
        ("hold", "-", "5 %"),
    ]


def test_the_best_arm_is_never_the_control() -> None:
    """It is the one with the most goodput after the fault began."""
    control = arm("none", goodput_rps={"baseline": 100.0, "fault": 90.0, "hold": 99.0})
    worse = arm("naive", goodput_rps={"baseline": 100.0, "fault": 1.0, "hold": None})
    best = tables.best_arm({"control": "none", "arms": [control, worse, arm()]})
    assert best is not None
    assert best["name"] == "all"
    assert tables.best_arm({"control": "none", "arms": [control]}) is None


def test_origin_loads_in_words() -> None:
    """Figures that a run does not have are left out."""
    assert tables.origin_text({"total": 328.0, "per_expiry": 26.7, "burst": None}) == "328 in all, 26.7 per expiry"
    assert tables.origin_text(None) == "-"


def test_predictions_with_and_without_a_band() -> None:
    """A band is a range; a value that could not be measured is neither within nor without."""
    entry = {"name": "x", "formula": "a / b", "predicted": 1.6, "measured": None, "band": [1.2, 2.4], "within": None}
    row = tables.prediction_rows({"arms": [arm(predictions=[entry])]})[0]
    assert (row.measured, row.band, row.within) == ("-", "1.2 to 2.4", "-")


def test_a_verdict_without_arms_has_empty_tables() -> None:
    """As of a run that was stopped before anything was measured."""
    assert (tables.arm_rows({}), tables.phase_rows({}), list(tables.ledger_rows({}))) == ([], [], [])
