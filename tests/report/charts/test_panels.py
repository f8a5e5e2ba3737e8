"""What the charts of an arm say in words, and which of them there are."""

import json

import polars as pl

from rulezero.report.charts import panels
from rulezero.report.charts.frame import TimeAxis
from rulezero.report.charts.style import OUTCOME_FILLS

AXIS = TimeAxis(phases=(("hold", 0.0, 2.0),), faults=())
EXTENT = (0.0, 10.0)
SLICES = pl.DataFrame({"t_s": [0.0, 1.0]})


def test_only_outcomes_that_happened_are_in_the_legend() -> None:
    """Those that did not would only take room; good answers are at the bottom of every pile."""
    requests = SLICES.with_columns(
        *(pl.lit(2.5 if name == "not_sent" else 0.0).alias(name) for name in OUTCOME_FILLS), good=7.5, offered=10.0
    )
    bars = panels.outcome_bars(requests)
    assert [each.label for each in bars] == ["good", "not sent"]
    figure = panels.outcomes(requests, bars, "none", "a", AXIS, 10.0)
    assert figure.summary == "Good answers a second with none: 7.5 of 10 in the hold. Not good in all: 5 not sent."


def test_arms_are_drawn_to_one_scale() -> None:
    """The scale comes from outside, whatever this arm's own greatest value is."""
    requests = SLICES.with_columns(*(pl.lit(0.0).alias(name) for name in OUTCOME_FILLS), good=7.5, offered=7.5)
    figure = panels.outcomes(requests, panels.outcome_bars(requests), "none", "a", AXIS, 100.0)
    assert '"domain": [0, 110' in json.dumps(figure.spec)


def test_latency_without_a_good_answer_is_not_drawn() -> None:
    """There is nothing to take a percentile of."""
    nothing = SLICES.with_columns(p50_ms=pl.lit(None, pl.Float64), p99_ms=pl.lit(None, pl.Float64))
    assert panels.latency(nothing, "none", "a", AXIS, EXTENT) is None


def test_hops_are_in_the_order_given() -> None:
    """So a link looks the same in every arm, whichever has the most attempts."""
    frame = pl.DataFrame(
        {"t_s": [0.0, 1.0, 1.0], "link": ["deep", "front", "deep"], "per_request": [2.0, 1.0, 6.12],
         "relative": [1.0, 1.0, 3.06]}
    )  # fmt: skip
    links = panels.series_of(["front", "middle", "deep"])
    figure = panels.attempts(frame, links, "none", "a", AXIS, EXTENT)
    assert figure is not None
    assert list(figure.legend) == [links[0], links[2]]
    assert figure.summary == "At most 3.06 x the baseline, on deep at 1 s: 6.12 a request."
    assert panels.attempts(frame, links[1:2], "none", "a", AXIS, EXTENT) is None


def test_the_rarest_decisions_are_left_out_and_counted() -> None:
    """Ten lines are as many as can be told apart."""
    frame = pl.DataFrame(
        {"t_s": 0.0, "defence": "d", "decision": f"k_{number:02}", "rate": float(number)} for number in range(1, 13)
    )
    figure = panels.decisions(frame, SLICES, "all", "a", AXIS, EXTENT)
    assert figure is not None
    assert [each.label for each in figure.legend] == [f"d: k {number:02}" for number in range(3, 13)]
    assert figure.summary.startswith("In all: 12 d: k 12, 11 d: k 11,")
    assert figure.summary.endswith("2 rarer kinds are not drawn.")
    assert panels.decisions(frame.clear(), SLICES, "all", "a", AXIS, EXTENT) is None


def test_loads_are_drawn_where_there_are_any() -> None:
    """Over all slices, so that the line is as long as in every other chart; a cache never loaded has no chart."""
    loads = pl.DataFrame({"t_s": [1.0], "rate": [25.0]})
    figure = panels.origin_loads(loads, SLICES, "none", "a", AXIS, EXTENT)
    assert figure is not None
    assert figure.summary == "25 loads in all."
    drawn = next(rows for rows in figure.spec["datasets"].values() if rows and "s0" in rows[0])
    assert [(each["t_s"], each["s0"]) for each in drawn] == [(0.0, 0.0), (1.0, 25.0)]
    assert panels.origin_loads(loads.with_columns(rate=pl.lit(0.0)), SLICES, "none", "a", AXIS, EXTENT) is None
