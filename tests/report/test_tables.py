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
    """Goodput with the good share of what was offered (50 of 80), and the link that was amplified most."""
    row = tables.arm_rows({"arms": [arm()]})[0]
    assert row.goodput == {"baseline": "100", "fault": "50", "hold": "95"}
    assert row.kept == {"baseline": "100 %", "fault": "62 %", "hold": "95 %"}
    assert (row.failed, row.recovery, row.amplification) == ("38 %", "2 s", "3 x on a in the fault (1 to 3)")


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


def test_a_crowd_that_is_served_is_no_more_than_all() -> None:
    """Three times the goodput because three times as much was asked for: all was kept, not 300 %."""
    crowd = arm(goodput_rps={"baseline": 100.0, "fault": 300.0, "hold": 50.0},
                offered_rps={"baseline": 100.0, "fault": 300.0, "hold": 200.0})  # fmt: skip
    assert tables.arm_rows({"arms": [crowd]})[0].kept == {"baseline": "100 %", "fault": "100 %", "hold": "25 %"}


def test_without_a_baseline_nothing_is_said_to_be_kept() -> None:
    """A dash, not 0 % of nothing."""
    dead = arm(goodput_rps={"baseline": 0.0, "fault": 5.0, "hold": 5.0})
    assert set(tables.arm_rows({"arms": [dead]})[0].kept.values()) == {"-"}


def test_the_best_arm_is_the_one_that_the_verdict_names() -> None:
    """The report does not judge a second time; without a defended arm there is none."""
    arms = [arm("none"), arm("naive"), arm()]
    best = tables.best_arm({"control": "none", "best_arm": "naive", "arms": arms})
    assert best is not None
    assert best["name"] == "naive"
    assert tables.best_arm({"control": "none", "best_arm": None, "arms": arms[:1]}) is None
    assert tables.best_arm({}) is None


def test_origin_loads_in_words() -> None:
    """Figures that a run does not have are left out."""
    assert tables.origin_text({"total": 328.0, "per_expiry": 26.7, "burst": None}) == "328 in all, 26.7 per expiry"
    crowd = {"total": 328.0, "per_expiry": None, "burst": 214.0, "burst_wanted": 1200.0}
    assert tables.origin_text(crowd) == "328 in all, 214 after the crowd came, 1,200 wanted by then"
    assert tables.origin_text(None) == "-"


def test_amplification_is_relative_to_the_baseline() -> None:
    """Two writes per order are no retries; a link that the baseline never tried has no factor."""
    twice = {"writes": {"baseline": 2.0, "fault": 2.1, "hold": 2.0}, "reads": {"baseline": 1.0, "fault": 1.05}}
    assert tables.amplification_text(arm(attempts_per_request=twice)) == "no link"
    herd = {**twice, "origin": {"baseline": 0.0, "fault": 9.0}, "tail": {"baseline": 0.5, "hold": 1.5, "fault": None}}
    assert tables.amplification_text(arm(attempts_per_request=herd)) == "3 x on tail in the hold (0.5 to 1.5)"
    assert tables.amplification_text(arm(attempts_per_request={})) == "-"


def test_predictions_say_the_range_that_is_accepted() -> None:
    """A band is a share of the prediction; a value that is missing is neither within nor without, and said to be."""
    entry = {"name": "x", "formula": "a / b", "predicted": 25.0, "measured": None, "band": 0.25, "within": None}
    row = tables.prediction_rows({"arms": [arm(predictions=[entry])]})[0]
    assert (row.measured, row.ratio, row.accepted, row.within) == ("-", "-", "18.8 to 31.2", "not measured")
    unknown = tables.prediction_rows({"arms": [arm(predictions=[{**entry, "predicted": None}])]})[0]
    assert (unknown.ratio, unknown.accepted) == ("-", "within 25 %")


def test_the_ratio_is_measured_over_predicted() -> None:
    """Of nothing that was predicted there is none."""
    entry = {"name": "x", "formula": "a / b", "predicted": 25.0, "measured": 30.0, "band": 0.25, "within": True}
    rows = tables.prediction_rows({"arms": [arm(predictions=[entry, {**entry, "predicted": 0.0}])]})
    assert [row.ratio for row in rows] == ["1.2 x", "-"]


def test_what_was_never_exercised_is_named_by_arm() -> None:
    """An arm whose defences all did something is not."""
    arms = [arm("none"), arm(not_exercised=["retry", "lease"]), arm("most", not_exercised=[])]
    assert tables.unexercised({"arms": arms}) == ["all: on, but never decided anything: retry, lease"]
    assert tables.unexercised({}) == []


def test_the_effect_says_by_what() -> None:
    """By goodput, or by the yardstick without its unit; what was not compared is by nothing."""
    control = arm("none", effect="control", effect_by=None, yardstick=1.02)
    others = [
        arm("late", effect_by="goodput", effect="worse", yardstick=0.9),
        arm(effect_by="yardstick", yardstick=None),
    ]
    rows = tables.arm_rows({"yardstick": "p99 in the fault, s", "arms": [control, *others]})
    assert [row.effect for row in rows] == ["control", "worse by goodput", "better by p99 in the fault"]
    assert [row.yardstick for row in rows] == ["1.02", "0.9", "-"]


def test_without_a_yardstick_there_is_no_value_of_it() -> None:
    """The arms are compared by goodput, which has columns of its own."""
    row = tables.arm_rows({"yardstick": None, "arms": [arm(effect_by="goodput", yardstick=0.9)]})[0]
    assert (row.effect, row.yardstick) == ("better by goodput", "-")


def test_a_verdict_without_arms_has_empty_tables() -> None:
    """As of a run that was stopped before anything was measured."""
    assert (tables.arm_rows({}), tables.phase_rows({}), list(tables.ledger_rows({}))) == ([], [], [])


def test_what_an_arm_sets_besides_defences_is_told_with_them() -> None:
    """An arm without a defence may differ from the control all the same."""
    greedy = arm(defences=[], services={"mailer": {"RULEZERO_PREFETCH": "500", "RULEZERO_SERVICE_S": "0.1"}})
    rows = tables.arm_rows({"arms": [arm(defences=[]), greedy]})
    assert [row.defences for row in rows] == ["none", "none; mailer prefetch 500; mailer service s 0.1"]


def test_the_ledger_counts_mails_too() -> None:
    """What an older record did not count is missing, not 0."""
    ledgers: tuple[dict[str, int], ...] = (
        {"orders": 3, "mails": 5, "duplicate_mails": 2},
        {"orders": 3, "charges": 3, "duplicate_charges": 0},
        {},
    )
    rows = list(tables.ledger_rows({"arms": [arm(str(place), ledger=one) for place, one in enumerate(ledgers)]}))
    assert rows == [("0", "3", "-", "-", "5", "2"), ("1", "3", "3", "0", "-", "-")]
