"""What a series of pairs was asked for, and where the values of its measures are."""

from typing import Any

import pytest

from rulezero.analysis.measures import MEASURES
from rulezero.analysis.pairs import YARDSTICK, asked_of, columns, gave_up, repeats_max
from rulezero.errors import UsageProblem
from tests.analysis.pair_series import entry, series


def test_what_was_asked_is_read() -> None:
    """What else somebody noted is no matter."""
    asked = asked_of(series(seed=7, something_else=[1]))
    assert (asked.control, asked.treatments, asked.pairs, asked.seed) == ("none", ["timeout"], 8, 7)
    assert (asked.floors, asked.floors_from, asked.file) == (None, None, None)


@pytest.mark.parametrize("asked", [{"seed": "one"}, {"control": None}, {"pairs": -1}, {"floors": {"goodput": -0.1}}])
def test_what_was_not_asked_so(asked: dict[str, Any]) -> None:
    """One line that says what is wrong."""
    with pytest.raises(UsageProblem, match=r"series\.json does not say what was asked \(.*\); measure it again"):
        asked_of(series(**asked))


def test_columns() -> None:
    """The measures, and before them the yardstick where there is one; only what decides has a margin."""
    plain = columns(asked_of(series()))
    assert [column.name for column in plain] == [each.name for each in MEASURES]
    assert [column.name for column in plain if column.margin_at(1.0) is not None] == ["goodput"]
    first, *others = columns(asked_of(series(yardstick={"name": "loads", "alone": False})))
    assert (first.name, first.text, first.better) == (YARDSTICK, "loads", "lower")
    assert first.margin_at(-200.0) == pytest.approx(10.0)
    assert others == plain


def test_values() -> None:
    """None for an arm that is not there, a measure it lacks, and what is no number."""
    one = entry(1, {"none": {"goodput": 0.4}, "bad": {"goodput": float("nan")}}, yardsticks={"none": 7.0})
    goodput = columns(asked_of(series()))[0]
    yardstick = columns(asked_of(series(yardstick={"name": "loads", "alone": False})))[0]
    assert [goodput.value(one, arm) for arm in ("none", "bad", "gone")] == [0.4, None, None]
    assert [yardstick.value(one, arm) for arm in ("none", "bad")] == [7.0, None]


def test_patience() -> None:
    """Half of the pairs and one may be invalid."""
    assert [repeats_max(pairs) for pairs in (2, 8, 20)] == [2, 5, 11]
    bad = [entry(1, {}, valid=False) for _ in range(6)]
    assert not gave_up(series(*bad[:5]), asked_of(series()))
    assert gave_up(series(*bad), asked_of(series()))
