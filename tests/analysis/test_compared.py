"""A series of pairs: which measure decides, what is called, when it is over."""

import math
from typing import Any

import orjson
import pytest

from rulezero.analysis.compared import Comparison, Treatment, as_json, compare
from rulezero.analysis.paired import ERROR_RATE
from rulezero.errors import UsageProblem
from rulezero.series import Entry
from tests.analysis.pair_series import CALM, entry, goodput, series, shifted

YARDSTICK = {"name": "loads at the origin", "alone": False}


def compared(*entries: Entry, **asked: Any) -> Comparison:
    return compare(series(*entries, **asked))


def only(comparison: Comparison) -> Treatment:
    (treatment,) = comparison.treatments
    return treatment


def loads(control: float, treatment: float, *, lost: float = 0.0, pairs: int = 8) -> list[Entry]:
    """Return pairs that have a yardstick with a little noise, and a treatment that loses so much goodput."""
    return [
        entry(
            number,
            {"none": {"goodput": 0.9}, "timeout": {"goodput": 0.9 - lost + 0.001 * (number % 2)}},
            yardsticks={"none": control, "timeout": treatment * (1 + 0.002 * (number % 3))},
        )
        for number in range(1, pairs + 1)
    ]


@pytest.mark.parametrize(
    ("effect", "called"), [(0.3, "helps"), (-0.3, "harms"), (0.0, "no effect"), (0.048, "inconclusive")]
)
def test_goodput_decides_where_there_is_no_yardstick(effect: float, called: str) -> None:
    """By the notable margin, where no floor was measured."""
    treatment = only(compared(*goodput(CALM, timeout=shifted(CALM, effect, 0.01, -0.01))))
    assert (treatment.call, treatment.decided_by) == (called, "goodput")
    assert treatment.deciding is not None
    assert treatment.deciding.interval.mean == pytest.approx(effect)
    assert (treatment.deciding.floor, treatment.deciding.floor_measured) == (0.05, False)


def test_a_difference_is_that_of_a_pair() -> None:
    """Runs that all differ from each other, but by the same within each pair, make a narrow interval."""
    wide = (0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6)
    treatment = only(compared(*goodput(wide, timeout=shifted(wide, 0.1))))
    assert treatment.call == "helps"


def test_an_effect_within_the_floor_is_not_called() -> None:
    """The floor that was measured here takes the place of the notable margin, whether it is greater or smaller."""
    pairs = goodput(CALM, timeout=shifted(CALM, 0.1))
    assert only(compared(*pairs)).call == "helps"
    found = only(compared(*pairs, floors={"goodput": 0.2}, floors_from="20261122T120000-aa"))
    assert (found.call, found.more_pairs) == ("inconclusive", None)
    small = goodput(CALM, timeout=shifted(CALM, 0.03))
    assert only(compared(*small)).call == "no effect"
    assert only(compared(*small, floors={"goodput": 0.01})).call == "helps"


def test_where_the_floor_is_from() -> None:
    """A floor that lacks a measure leaves that one to the margin."""
    pairs = goodput(CALM, timeout=CALM)
    assert compared(*pairs).floors_from is None
    found = compared(*pairs, floors={"recovery_s": 1.0}, floors_from="20261122T120000-aa")
    assert found.floors_from == "20261122T120000-aa"
    deciding = only(found).deciding
    assert deciding is not None
    assert (deciding.floor, deciding.floor_measured) == (0.05, False)


@pytest.mark.parametrize(
    ("treatment", "called"), [(50.0, "helps"), (150.0, "harms"), (100.0, "no effect"), (96.0, "no effect")]
)
def test_the_yardstick_decides_where_there_is_one(treatment: float, called: str) -> None:
    """Less of it is better; its margin is a share of the control's."""
    found = only(compared(*loads(100.0, treatment), yardstick=YARDSTICK))
    assert (found.call, found.decided_by) == (called, "yardstick")
    assert found.deciding is not None
    assert found.deciding.text == "loads at the origin"
    assert found.deciding.floor == pytest.approx(5.0)


def test_goodput_comes_first() -> None:
    """Fewer loads at the price of answers are harm; unless the yardstick stands alone."""
    lost = loads(100.0, 50.0, lost=0.2)
    found = only(compared(*lost, yardstick=YARDSTICK))
    assert (found.call, found.decided_by) == ("harms", "goodput")
    alone = only(compared(*lost, yardstick={**YARDSTICK, "alone": True}))
    assert (alone.call, alone.decided_by) == ("helps", "yardstick")


def test_goodput_that_may_be_lost_is_not_called_help() -> None:
    """It is inconclusive, and says by what; a yardstick that harms still harms."""

    def pairs(treatment: float) -> list[Entry]:
        return [
            entry(
                number,
                {"none": {"goodput": 0.9}, "timeout": {"goodput": 0.9 if number % 2 else 0.5}},
                yardsticks={"none": 100.0, "timeout": treatment + number % 3},
            )
            for number in range(1, 9)
        ]

    found = only(compared(*pairs(50.0), yardstick=YARDSTICK))
    assert (found.call, found.decided_by) == ("inconclusive", "goodput")
    assert found.more_pairs is not None
    assert found.more_pairs > 0
    assert only(compared(*pairs(150.0), yardstick=YARDSTICK)).call == "harms"


def test_a_yardstick_of_nothing_on_both_sides() -> None:
    """No duplicate with either arm is no effect, with an interval that has no width."""
    found = only(compared(*loads(0.0, 0.0), yardstick={**YARDSTICK, "alone": True}))
    assert found.call == "no effect"
    assert found.deciding is not None
    assert (found.deciding.interval.low, found.deciding.interval.high) == (0.0, 0.0)


def test_what_was_not_measured_decides_nothing() -> None:
    """Without a value of the yardstick in any pair it is inconclusive; a pair that lacks one does not count for it."""
    nothing = [
        entry(number, {"none": {"goodput": 0.4}, "timeout": {"goodput": 0.4 + 0.001 * number}})
        for number in range(1, 9)
    ]
    found = only(compared(*nothing, yardstick=YARDSTICK))
    assert (found.call, found.deciding, found.more_pairs) == ("inconclusive", None, None)
    pairs = loads(100.0, 50.0)
    pairs[3].yardsticks["timeout"] = None
    pairs[4].yardsticks["none"] = math.nan
    found = only(compared(*pairs, yardstick=YARDSTICK))
    assert found.deciding is not None
    assert list(found.deciding.differences) == ["pair-1", "pair-2", "pair-3", "pair-6", "pair-7", "pair-8"]
    assert [effect.measure for effect in found.effects] == ["yardstick", "goodput"]


def test_the_error_rate_is_shared_out() -> None:
    """Among the looks, the treatments, and the measures that decide."""

    def rate(comparison: Comparison) -> float:
        return comparison.treatments[0].effects[0].interval.error_rate

    assert rate(compared(*goodput(CALM, timeout=CALM))) == pytest.approx(ERROR_RATE / 3)
    two = goodput(CALM, timeout=CALM, bulkhead=CALM)
    assert rate(compared(*two, treatments=["timeout", "bulkhead"])) == pytest.approx(ERROR_RATE / 6)
    assert rate(compared(*loads(1.0, 1.0), yardstick=YARDSTICK)) == pytest.approx(ERROR_RATE / 6)
    assert rate(compared(*loads(1.0, 1.0), yardstick={**YARDSTICK, "alone": True})) == pytest.approx(ERROR_RATE / 3)


def test_other_measures_stand_out_and_decide_nothing() -> None:
    """Better or worse where the whole interval lies beyond 0, or beyond the floor that was measured."""
    pairs = [
        entry(
            number,
            {
                "none": {"goodput": 0.4, "recovery_s": 10.0, "p99_hold_ms": 50.0},
                "timeout": {"goodput": 0.4, "recovery_s": 4.0 + number % 2, "p99_hold_ms": 60.0 + number % 2},
            },
        )
        for number in range(1, 9)
    ]
    found = only(compared(*pairs))
    assert found.call == "no effect"
    assert {effect.measure: effect.outside for effect in found.effects} == {
        "goodput": None, "recovery_s": "better", "p99_hold_ms": "worse",
    }  # fmt: skip
    floored = only(compared(*pairs, floors={"recovery_s": 8.0}))
    assert {effect.measure: effect.outside for effect in floored.effects}["recovery_s"] is None


def test_it_stops_when_every_treatment_is_clear() -> None:
    """At a look, not between two; and goes on while one of them is inconclusive."""
    clear = goodput(CALM, timeout=shifted(CALM, 0.3))
    assert compared(*clear[:3]).ending is None
    assert only(compared(*clear[:3])).call == "inconclusive"
    assert compared(*clear[:4]).ending == "clear"
    assert compared(*clear[:5]).ending is None
    assert compared(*clear).ending == "complete"
    rough = shifted(CALM, 0.05, 0.1, -0.1)
    both = goodput(CALM, timeout=shifted(CALM, 0.3), bulkhead=rough)
    half = compared(*both[:4], treatments=["timeout", "bulkhead"])
    assert [each.call for each in half.treatments] == ["helps", "inconclusive"]
    assert half.ending is None


def test_invalid_pairs_count_for_nothing_but_patience() -> None:
    """Five may be repeated in a series of eight; with the sixth it is over, and that is no result."""
    bad = [entry(1, {"none": {"goodput": 1.0}, "timeout": {"goodput": 0.0}}, valid=False) for _ in range(6)]
    good = goodput(CALM, timeout=CALM)[:3]
    assert compared(*bad[:5], *good).ending is None
    over = compared(*bad, *good)
    assert (over.ending, over.pairs) == ("invalid", 3)
    assert only(over).call == "inconclusive"


def test_a_series_without_a_pair() -> None:
    """Says nothing yet, and has no effects."""
    found = compared()
    assert (found.pairs, found.ending, only(found).effects) == (0, None, [])


def test_a_defence_that_never_decided_is_named() -> None:
    """One that did something in a single pair is not."""
    pairs = [
        entry(
            number,
            {"none": {"goodput": 0.4}, "timeout": {"goodput": 0.4}},
            not_exercised={"none": [], "timeout": ["timeout", "retry"] if number > 1 else ["retry"]},
        )
        for number in range(1, 5)
    ]
    assert only(compared(*pairs)).never_decided == ["retry"]
    assert only(compared(*goodput(CALM, timeout=CALM))).never_decided == []


def test_as_json() -> None:
    """It can be written and read; what is infinite is null, and the records are named."""
    bad = entry(1, {"none": {"goodput": 1.0}}, valid=False)
    content = orjson.loads(orjson.dumps(as_json(compared(bad, *goodput(CALM[:1], timeout=CALM[:1])))))
    assert content["treatments"][0]["effects"][0]["interval"]["low"] is None
    assert content["records"] == ["record-1"]
    assert content["invalid"] == [{"record": "record-1", "reasons": ["none: the control did not fail"]}]
    assert content["treatments"][0]["call"] == "inconclusive"
    assert "entries" not in content


@pytest.mark.parametrize("asked", [{"pairs": 0}, {"treatments": []}, {"yardstick": {}}, {"floors": {"goodput": "x"}}])
def test_a_series_that_does_not_say_what_was_asked(asked: dict[str, Any]) -> None:
    """One line that says so."""
    with pytest.raises(UsageProblem, match="does not say what was asked"):
        compared(**asked)
