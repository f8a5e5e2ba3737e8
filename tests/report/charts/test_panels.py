"""What the charts of an arm say in words, and which of them there are."""

import polars as pl

from rulezero.report.charts import panels
from rulezero.report.charts.frame import TimeAxis
from rulezero.report.charts.style import OUTCOME_FILLS

AXIS = TimeAxis(phases=(("hold", 0.0, 2.0),), faults=())
SLICES = pl.DataFrame({"t_s": [0.0, 1.0]})


def test_only_outcomes_that_happened_are_in_the_legend() -> None:
    """Those that did not would only take room."""
    requests = SLICES.with_columns(*(pl.lit(2.5 if name == "not_sent" else 0.0).alias(name) for name in OUTCOME_FILLS))
    figure = panels.failing(requests, "a", AXIS)
    assert figure.summary == "Requests that failed: 5 not sent."
    assert [each.label for each in figure.legend] == ["not sent"]


def test_latency_without_a_good_answer_is_not_drawn() -> None:
    """There is nothing to take a percentile of."""
    nothing = SLICES.with_columns(p50_ms=pl.lit(None, pl.Float64), p99_ms=pl.lit(None, pl.Float64))
    assert panels.latency(nothing, "a", AXIS) is None


def test_hops_are_in_the_order_of_the_manifest() -> None:
    """So a link looks the same in every arm, whichever has the most attempts."""
    frame = pl.DataFrame({"t_s": [0.0, 1.0, 1.0], "link": ["deep", "front", "deep"], "per_request": [1.0, 1.0, 3.06]})
    figure = panels.attempts(frame, ["front", "middle", "deep"], "a", AXIS)
    assert figure is not None
    assert [each.label for each in figure.legend] == ["front", "deep"]
    assert figure.summary == "The most attempts per request in a second: 3.06 on deep, at 1 s."


def test_the_rarest_decisions_are_left_out_and_counted() -> None:
    """Ten lines are as many as can be told apart."""
    frame = pl.DataFrame(
        {"t_s": 0.0, "defence": "d", "decision": f"k{number:02}", "rate": float(number)} for number in range(1, 13)
    )
    figure = panels.decisions(frame, SLICES, "a", AXIS)
    assert figure is not None
    assert [each.label for each in figure.legend] == [f"d: k{number:02}" for number in range(3, 13)]
    assert figure.summary.startswith("In all: 12 d: k12, 11 d: k11,")
    assert figure.summary.endswith("2 rarer kinds are not drawn.")


def test_loads_are_drawn_where_there_are_any() -> None:
    """A cache that was never loaded has no chart."""
    loads = SLICES.with_columns(rate=pl.Series([25.0, 2.0]))
    figure = panels.origin_loads(loads, "a", AXIS)
    assert figure is not None
    assert figure.summary == "27 loads in all."
    assert panels.origin_loads(loads.with_columns(rate=pl.lit(0.0)), "a", AXIS) is None
