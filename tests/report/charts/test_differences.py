"""The charts of pairs: what is drawn, in which unit, and on what scale."""

from typing import Any

import altair as alt
import pytest

from rulezero.analysis.compared import Effect, compare
from rulezero.report.charts.differences import by_pair, strip
from rulezero.report.charts.frame import Figure
from tests.analysis.pair_series import CALM, entry, goodput, series, shifted


def effect(*pairs: Any, measure: str = "goodput") -> Effect:
    (treatment,) = compare(series(*pairs)).treatments
    return next(each for each in treatment.effects if each.measure == measure)


def rows(figure: Figure) -> list[list[dict[str, Any]]]:
    """Return the data of each layer."""
    return [figure.spec["datasets"][layer["data"]["name"]] for layer in figure.spec["layer"]]


@pytest.fixture(params=[by_pair, strip])
def figure(request: pytest.FixtureRequest) -> Figure:
    drawn: Figure = request.param(effect(*goodput(CALM, timeout=shifted(CALM, 0.3))), "title", "summary", "key")
    return drawn


def test_it_is_a_chart_that_vega_lite_knows(figure: Figure) -> None:
    """By Altair's own schema; key, title and what it says in words are those that were given."""
    alt.Chart.from_dict(figure.spec, validate=True)
    assert (figure.key, figure.title, figure.summary) == ("key", "title", "summary")


def test_every_pair_is_a_point_in_points(figure: Figure) -> None:
    """Shares differ in points: 30, not 0.3; the floor and the interval are in the same unit."""
    layers = rows(figure)
    points = next(layer for layer in layers if len(layer) == len(CALM))
    assert [point["value"] for point in points] == pytest.approx([30.4, 29.6, 30.2, 29.8] * 2)
    assert {"low": -5.0, "high": 5.0} in layers[0]
    spans = [row for layer in layers for row in layer if "mean" in row]
    assert all(29 < span["low"] < span["mean"] < span["high"] < 31 for span in spans)


def scale(figure: Figure) -> list[float]:
    """Return the domain of the values."""
    for layer in figure.spec["layer"]:
        for channel in layer["encoding"].values():
            if isinstance(channel, dict) and channel.get("field") == "value":
                return list(channel["scale"]["domain"])
    raise AssertionError(figure.spec)


@pytest.mark.parametrize("draw", [by_pair, strip])
def test_nothing_is_beyond_the_scale(draw: Any) -> None:
    """Pairs, interval, floor and 0 are all inside."""
    found = effect(*goodput(CALM, timeout=shifted(CALM, -0.3, 0.2, -0.2)))
    low, high = scale(draw(found, "", "", ""))
    assert low < 100 * min(found.interval.low, *found.differences.values())
    assert high > 5.0


@pytest.mark.parametrize("draw", [by_pair, strip])
def test_what_has_no_width(draw: Any) -> None:
    """One pair has no interval, pairs that do not differ have a scale all the same, and no floor is no band."""
    one = draw(effect(*goodput(CALM[:1], timeout=CALM[:1])), "", "", "")
    assert not [row for layer in rows(one) for row in layer if "mean" in row]
    same = [entry(number, {"none": {"recovery_s": 5.0}, "timeout": {"recovery_s": 5.0}}) for number in (1, 2, 3, 4)]
    drawn = draw(effect(*same, measure="recovery_s"), "", "", "")
    low, high = scale(drawn)
    assert low < 0 < high
    assert rows(drawn)[0] == []
    alt.Chart.from_dict(drawn.spec, validate=True)
