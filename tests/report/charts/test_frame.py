"""The time axis and the value axis of every chart."""

from typing import Any

import pytest

from rulezero.report.charts.frame import SLICES_MAX, TimeAxis, background, time_axis, value_y

MANIFEST: dict[str, Any] = {
    "windows": [["warmup", 0, 3], ["baseline", 3, 10], ["fault", 10, 20], ["hold", 20, 32]],
    "faults": [
        {"text": "hangs", "arm": "none", "start_s": 10.1, "end_s": 20.2},
        {"text": "expires", "arm": "none", "start_s": 12.0, "end_s": None},
        {"text": "never began", "arm": "none", "start_s": None, "end_s": None},
        {"text": "elsewhere", "arm": "all", "start_s": 11.0, "end_s": 19.0},
    ],
    "bursts": [{"route": "/r", "at_s": 6, "count": 1000, "key": 1, "deadline_s": 1}],
}


def test_faults_are_those_measured_in_the_arm() -> None:
    """An instant ends where it starts; a burst is an instant too, counted from the fault phase."""
    axis = time_axis(MANIFEST, "none")
    assert axis.faults == (("hangs", 10.1, 20.2), ("expires", 12.0, 12.0), ("1,000 requests at once", 16.0, 16.0))
    assert axis.end_s == 32


def test_the_planned_fault_is_shaded_when_none_was_measured() -> None:
    """As in a run that was interrupted before the toxic was taken away."""
    assert time_axis({**MANIFEST, "faults": [], "bursts": []}, "none").faults == (("fault", 10.0, 20.0),)


@pytest.mark.parametrize(("end_s", "bucket_s"), [(32.0, 1.0), (180.0, 1.0), (181.0, 2.0), (3600.0, 20.0)])
def test_slices_are_bounded(end_s: float, bucket_s: float) -> None:
    """A second each, wider in long runs."""
    axis = TimeAxis(phases=(("hold", 0.0, end_s),), faults=())
    assert axis.bucket_s == bucket_s
    assert end_s / axis.bucket_s <= SLICES_MAX


@pytest.mark.parametrize(
    ("largest", "smallest", "kind", "domain", "values"),
    [
        (100.0, 0.0, "linear", [0, 110], None),
        (0.0, 0.0, "linear", [0, 1], None),
        (900.0, 30.0, "log", [10, 990], [10, 20, 50, 100, 200, 500]),
        (4000.0, 2.0, "log", [1, 4400], [1, 10, 100, 1000]),
        (5.0, 0.0, "log", [0.01, 5.5], [0.01, 0.1, 1]),
        (40.0, 0.0, "symlog", [0, 44], [0, 1, 2, 5, 10, 20]),
    ],
)
def test_values_have_room_and_round_labels(
    largest: float, smallest: float, kind: Any, domain: list[float], values: list[float] | None
) -> None:
    """Labels of logarithmic axes are 1, 2 and 5 of each power of ten, fewer when there are many powers."""
    channel: Any = value_y("value", largest, smallest, scale=kind).to_dict(context={"data": None})
    assert channel["scale"]["domain"] == pytest.approx(domain)
    assert channel["axis"].get("values") == (None if values is None else pytest.approx(values))


def test_phases_are_named_where_they_have_room() -> None:
    """A name that would run into the next one is not drawn at all."""
    names = background(time_axis(MANIFEST, "none"))[-1].to_dict()
    assert names["encoding"]["text"]["field"] == "text"
    assert "length(datum.text) ? 0 : 1" in names["mark"]["opacity"]["expr"]
