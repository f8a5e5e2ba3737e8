"""The data that charts are given."""

from typing import Any

import polars as pl
import pytest

from rulezero.report.charts.frame import TimeAxis, figure
from rulezero.report.charts.marks import lines, stacked
from rulezero.report.charts.style import DEFENDED, SERIES, Bar, Line

AXIS = TimeAxis(phases=(("hold", 0.0, 8.0),), faults=())


def drawn(layers: list[Any]) -> list[dict[str, Any]]:
    """Return each layer with the rows of its data."""
    spec = figure("key", "title", "summary", (), layers).spec
    shared = spec.get("data")
    return [{**layer, "rows": spec["datasets"][layer.get("data", shared)["name"]]} for layer in spec["layer"]]


def test_bars_are_piled_on_each_other() -> None:
    """Each segment begins where the one below ends; empty segments are not drawn."""
    frame = pl.DataFrame({"t_s": [0.0, 1.0], "error": [2.0, 0.0], "timeout": [3.0, 1.5]})
    series = [Bar(column=name, label=name, fill=f"url(#{name})") for name in ("error", "timeout")]
    bars = drawn(stacked(frame, series, AXIS))[0]["rows"]
    assert bars == [
        {"t_s": 0.0, "end": 1.0, "low": 0.0, "high": 2.0, "key": "s0"},
        {"t_s": 0.0, "end": 1.0, "low": 2.0, "high": 5.0, "key": "s1"},
        {"t_s": 1.0, "end": 2.0, "low": 0.0, "high": 1.5, "key": "s1"},
    ]


def test_nothing_to_pile_is_a_chart_all_the_same() -> None:
    """An arm without a failure has an empty chart, which says the most."""
    frame = pl.DataFrame({"t_s": [0.0], "error": [0.0]})
    bars = drawn(stacked(frame, [Bar(column="error", label="error", fill="none")], AXIS))[0]
    assert bars["rows"] == []


def test_lines_keep_gaps_and_names_out_of_fields() -> None:
    """A null stays null; the pointer is told values by their labels, whatever characters those hold."""
    frame = pl.DataFrame({"t_s": [0.0, 1.0], "a.b['c']": [1.23456, None]})
    layers = drawn(lines(frame, [Line(column="a.b['c']", label="a.b['c']", stroke=DEFENDED)], AXIS))
    assert layers[0]["rows"] == [
        {"t_s": 0.0, "end": 1.0, "s0": 1.235},
        {"t_s": 1.0, "end": 2.0, "s0": None},
    ]
    told = [(each["field"], each["title"]) for each in layers[-1]["encoding"]["tooltip"]]
    assert told == [("t_s", "second"), ("s0", "a.b['c']")]


def test_lines_differ_without_colour() -> None:
    """No two looks share both dashes and marker."""
    looks = {(stroke.dash, stroke.marker) for stroke in SERIES}
    assert len(looks) == len(SERIES)


@pytest.mark.parametrize("count", [1, 3])
def test_every_line_has_its_own_dash_and_width(count: int) -> None:
    """Scales are ordinal: with one line as with many, a line gets exactly its own look."""
    frame = pl.DataFrame({"t_s": [0.0], **{f"v{i}": [1.0] for i in range(count)}})
    series = [Line(column=f"v{i}", label=str(i), stroke=SERIES[i]) for i in range(count)]
    encoding = drawn(lines(frame, series, AXIS))[0]["encoding"]
    assert {encoding[channel]["scale"]["type"] for channel in ("stroke", "strokeDash", "strokeWidth")} == {"ordinal"}
    assert encoding["strokeDash"]["scale"]["range"] == [list(stroke.dash) for stroke in SERIES[:count]]


@pytest.mark.parametrize("stepped", [True, False])
def test_wide_slices_are_steps(stepped: bool) -> None:  # noqa: FBT001 - a parameter of the test.
    """A slope from one slice to the next would rise before the fault does."""
    frame = pl.DataFrame({"t_s": [0.0, 1.0], "v": [1.0, 2.0]})
    layers = drawn(lines(frame, [Line(column="v", label="v", stroke=DEFENDED)], AXIS, stepped=stepped))
    ends = [step for step in layers[0]["transform"] if step.get("flatten") == ["ends"] and step["as"] == ["middle"]]
    assert len(ends) == stepped
