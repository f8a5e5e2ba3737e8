"""The heat map of pairs."""

from typing import Any

import altair as alt
import vl_convert

from rulezero.report.charts.pairs import pairs

DEFENCES = ("timeout", "deadline", "retry")


def pair(one: str, other: str, mean: float | None, says: str = "adds up") -> dict[str, Any]:
    return {"pair": [one, other], "interaction": {"mean": mean, "low": mean, "high": mean}, "says": says}


MEASURED = (
    pair("timeout", "deadline", -0.4, "fights"),
    pair("timeout", "retry", 0.2, "reinforces"),
    pair("deadline", "retry", 0.0),
)


def fields(spec: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    (data,) = spec["datasets"].values()
    return {(field["one"], field["other"]): field for field in data}


def test_every_pair_has_its_two_fields() -> None:
    """With number and word; the colour says the sign, its strength how much of the greatest."""
    figure = pairs(MEASURED, DEFENCES, scale=100, unit="points")
    assert figure is not None
    found = fields(figure.spec)
    assert len(found) == 6
    assert found["timeout", "deadline"] == {**found["deadline", "timeout"], "one": "timeout", "other": "deadline"}
    assert found["timeout", "deadline"]["colour"] == "var(--bad)"
    assert found["timeout", "retry"]["colour"] == "var(--good)"
    assert found["timeout", "retry"]["strength"] * 2 == found["timeout", "deadline"]["strength"]
    assert found["deadline", "retry"]["colour"] == "var(--panel)"
    assert "timeout and deadline: -40 [-40, -40] points, fights; " in figure.summary


def test_it_is_a_chart_that_vega_draws() -> None:
    """Valid by its schema, in the order in which the defences were named, with the words in it."""
    figure = pairs(MEASURED, DEFENCES, scale=100, unit="points")
    assert figure is not None
    alt.LayerChart.from_dict({name: part for name, part in figure.spec.items() if name != "datasets"})
    svg = vl_convert.vegalite_to_svg({**figure.spec, "width": 600})
    assert "fights" in svg
    assert svg.index(">timeout<") < svg.index(">deadline<") < svg.index(">retry<")


def test_what_was_not_measured_is_not_drawn() -> None:
    """A pair, or all of them; when nothing interacts nothing is stronger than anything."""
    figure = pairs((MEASURED[0], pair("timeout", "retry", None)), DEFENCES, scale=1, unit="loads")
    assert figure is not None
    assert len(fields(figure.spec)) == 2
    assert pairs((pair("timeout", "retry", None),), DEFENCES, scale=1, unit="loads") is None
    assert pairs((pair("timeout", "retry", 0.0),), DEFENCES, scale=1, unit="loads") is not None
