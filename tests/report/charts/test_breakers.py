"""The timeline of circuit breakers."""

import polars as pl

from rulezero.report.charts.breakers import ROWS_MAX, breakers
from rulezero.report.charts.frame import TimeAxis

AXIS = TimeAxis(phases=(("hold", 0.0, 8.0),), faults=())


def states(*values: tuple[str, int, float, float]) -> pl.DataFrame:
    frame = pl.DataFrame(list(values), schema=["process", "state", "start_s", "end_s"], orient="row")
    return frame.with_columns(dependency=pl.lit("payment"))


def test_openings_are_counted_and_closed_ones_left_out() -> None:
    """Only breakers that moved are drawn; the rest is a number."""
    figure = breakers(
        states(("a", 0, 0, 1), ("a", 2, 1, 3), ("a", 1, 3, 4), ("a", 2, 4, 5), ("b", 0, 0, 8), ("c", 1, 0, 8)),
        "arm",
        "x",
        AXIS,
    )
    assert figure is not None
    assert figure.summary == (
        "a to payment was seen to open 2 times, open for 3 s in all; c to payment was seen to open 0 times, open for "
        "0 s in all; 1 other breaker stayed closed."
    )
    assert [each.label for each in figure.legend] == ["closed", "half-open", "open"]


def test_breakers_that_never_moved_have_no_chart() -> None:
    """Nor has an arm without any."""
    assert breakers(states(("a", 0, 0, 8)), "arm", "x", AXIS) is None
    assert breakers(states(("a", 0, 0, 8)).clear(), "arm", "x", AXIS) is None


def test_rows_are_bounded() -> None:
    """A hundred breakers do not make a page of strips."""
    figure = breakers(states(*((f"p{number:03}", 2, 0.0, 8.0) for number in range(100))), "arm", "x", AXIS)
    assert figure is not None
    assert figure.spec["height"] == 34 * ROWS_MAX
