"""Goodput under the offered load."""

import polars as pl

from rulezero.report.charts.frame import TimeAxis
from rulezero.report.charts.goodput import comparison

AXIS = TimeAxis(phases=(("warmup", 0.0, 1.0), ("baseline", 1.0, 3.0), ("fault", 3.0, 4.0)), faults=())


def requests(**good: list[float]) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame({"arm": arm, "t_s": [float(i) for i in range(len(values))], "good": values, "offered": 100.0})
        for arm, values in good.items()
    )


def test_means_are_by_phase_and_without_the_warmup() -> None:
    """The sentence beside the chart says what the lines show."""
    figure = comparison(
        requests(none=[1.0, 90.0, 100.0, 10.0], all=[1.0, 100.0, 100.0, 80.0]), ["none", "all"], "none", AXIS
    )
    assert figure is not None
    assert figure.summary == (
        "Good answers a second with none: 95 of 100 in the baseline, 10 of 100 in the fault. "
        "Good answers a second with all: 100 of 100 in the baseline, 80 of 100 in the fault."
    )
    assert [each.label for each in figure.legend] == [
        "offered load", "goodput of none (control)", "goodput of all (defended)",
    ]  # fmt: skip


def test_an_arm_that_was_cut_short_ends_where_it_ended() -> None:
    """It is not drawn as zero goodput, and the longer arm is drawn in full."""
    figure = comparison(requests(none=[50.0, 50.0], all=[60.0, 60.0, 60.0]), ["none", "all"], "none", AXIS)
    assert figure is not None
    values = next(rows for rows in figure.spec["datasets"].values() if rows and "s1" in rows[0])
    assert [each["s1"] for each in values] == [50.0, 50.0, None]


def test_an_arm_without_requests_is_left_out() -> None:
    """Of nothing there is no chart."""
    figure = comparison(requests(none=[50.0]), ["none", "all"], "none", AXIS)
    assert figure is not None
    assert len(figure.legend) == 2
    assert comparison(requests(none=[50.0]), ["all"], "none", AXIS) is None
