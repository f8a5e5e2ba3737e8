"""A comparison in words: harm first, numbers with their unit and interval, and what nobody can say."""

from typing import Any

import pytest

from rulezero.analysis.compared import Comparison, compare
from rulezero.report.compared import charts, difference_text, exit_status, sentences, tell, value_text
from rulezero.report.compared_page import Told
from tests.analysis.pair_series import CALM, entry, goodput, series, shifted

THREE = {"treatments": ["bulkhead", "timeout", "retry"]}


def compared(*entries: Any, **asked: Any) -> Comparison:
    return compare(series(*entries, **asked))


def told(*entries: Any, **asked: Any) -> Told:
    return tell(compared(*entries, **asked), folder="runs/a")


def of_all_kinds() -> list[Any]:
    rough = shifted(CALM, 0.05, 0.2, -0.2)
    return goodput(CALM, bulkhead=rough, timeout=shifted(CALM, 0.3), retry=shifted(CALM, -0.3))


def test_the_verdict_is_a_sentence_with_its_numbers() -> None:
    """Both means, the difference in points, and its interval."""
    (line,) = sentences(compared(*goodput(CALM, timeout=shifted(CALM, 0.3))))
    assert line.startswith("timeout helps: goodput 70 % with it, 40 % with none: +30 points [+29.")
    assert line.endswith("].")


def test_harm_comes_first() -> None:
    """Before what helps and what is not clear; in one line, then each in full."""
    lines = sentences(compared(*of_all_kinds(), **THREE))
    assert lines[0] == "retry HARMS; timeout helps; bulkhead: inconclusive."
    assert [line.partition(":")[0] for line in lines[1:]] == ["retry HARMS", "timeout helps", "bulkhead"]


@pytest.mark.parametrize(
    ("effect", "status", "tone"), [(0.3, 0, "supported"), (0.0, 0, "supported"), (-0.3, 1, "refuted")]
)
def test_exit_status_and_tone(effect: float, status: int, tone: str) -> None:
    """0 helps or no effect, 1 harms."""
    pairs = goodput(CALM, timeout=shifted(CALM, effect))
    assert exit_status(compared(*pairs)) == status
    assert told(*pairs).tone == tone


def test_what_is_inconclusive_ends_with_2() -> None:
    """Unless something harms beside it; an unfinished series is none however clear it looks."""
    rough = shifted(CALM, 0.05, 0.2, -0.2)
    assert exit_status(compared(*goodput(CALM, timeout=rough))) == 2
    assert exit_status(compared(*of_all_kinds(), **THREE)) == 1
    assert exit_status(compared(*goodput(CALM, timeout=shifted(CALM, -0.3))[:5])) == 2


def test_an_inconclusive_one_says_what_it_would_take() -> None:
    """A number of pairs, or that a thousand would not do."""
    (some,) = sentences(compared(*goodput(CALM, timeout=shifted(CALM, 0.1, 0.2, -0.2))))
    assert "A new series with --pairs " in some
    assert some.endswith("would settle it if they came out alike.")
    (never,) = sentences(compared(*goodput(CALM, timeout=shifted(CALM, 0.1)), floors={"goodput": 0.2}))
    assert never.endswith("A thousand pairs like these would not settle it.")


def test_an_unfinished_series_says_so_first() -> None:
    """With the line that goes on with it, also before the first pair."""
    lines = told(*goodput(CALM, timeout=CALM)[:3]).lines
    assert lines[0] == "Unfinished: 3 of 8 pairs. Go on: rulezero ab --resume runs/a"
    assert lines[1].startswith("timeout: inconclusive: goodput ")
    nothing = told()
    assert nothing.lines[1] == "timeout: inconclusive: goodput was not measured in both arms of any pair."
    assert nothing.tables[0].rows == []


def test_a_series_that_gave_up_says_why_first() -> None:
    """By the first line of the last reason."""
    bad = [entry(1, {"none": {}, "timeout": {}}, valid=False) for _ in range(6)]
    found = told(*bad)
    assert found.lines[0] == (
        "No verdict: gave up after 0 of 8 pairs, because too many were invalid. "
        "The last: none: the control did not fail."
    )
    assert found.tone == "invalid"


def test_a_defence_that_never_decided_is_named() -> None:
    """Whatever was called."""
    pairs = [
        entry(number, {"none": {"goodput": 0.4}, "timeout": {"goodput": 0.4}}, not_exercised={"timeout": ["retry"]})
        for number in range(1, 9)
    ]
    assert "timeout: on, but never decided anything: retry." in told(*pairs).lines


def test_the_table_has_every_measure_with_its_unit() -> None:
    """The one that decides is marked, others only where they stand out; a unit is not said twice."""
    pairs = [
        entry(
            number,
            {
                "none": {"goodput": 0.4, "recovery_s": 10.0, "p99_hold_ms": 50.0},
                "timeout": {"goodput": 0.4 + 0.001 * (number % 2), "recovery_s": 4.0, "p99_hold_ms": 50.0 + number % 2},
            },
        )
        for number in range(1, 9)
    ]
    (table,) = told(*pairs).tables
    assert table.heads[:3] == ("measure", "none", "timeout")
    by_name = {row[0]: row[1:] for row in table.rows}
    assert by_name["goodput"][3] == "no effect (decides)"
    assert by_name["recovery"] == ("10 s", "4 s", "-6 s [-6, -6]", "better")
    assert by_name["p99 hold"][3] == "-"
    assert table.details["goodput"].startswith("share of what was offered")


def test_the_yardstick_goes_by_its_name() -> None:
    """It has no unit of its own beside it."""
    pairs = [
        entry(
            number,
            {"none": {"goodput": 0.9}, "timeout": {"goodput": 0.9}},
            yardsticks={"none": 100.0, "timeout": 40.0 + number % 2},
        )
        for number in range(1, 9)
    ]
    found = told(*pairs, yardstick={"name": "loads at the origin", "alone": False})
    assert found.lines[0].startswith("timeout helps: loads at the origin 40.5 with it, 100 with none: -59.5 [")
    assert found.tables[0].rows[0][0] == "loads at the origin"
    assert "The smallest effect that is called is loads at the origin: 5" in " ".join(found.notes)


def test_it_says_where_the_floor_is_from() -> None:
    """Of this machine, or that nobody asked it."""
    pairs = goodput(CALM, timeout=CALM)
    assert "`rulezero aa cascading_failure` finds what this machine can tell" in " ".join(told(*pairs).notes)
    notes = " ".join(told(*pairs, floors={"goodput": 0.02}, floors_from="20261122T120000-aa").notes)
    assert "goodput: 2 points: as `rulezero aa` found it here (20261122T120000-aa)" in notes


@pytest.mark.parametrize(
    ("numbers", "unit", "text"),
    [
        ((0.12, 0.09, 0.15), "share", "+12 points [+9, +15]"),
        ((-6.2, -7.0, -5.4), "s", "-6.2 s [-7, -5.4]"),
        ((-50.0, -60.0, 10.0), "", "-50 [-60, +10]"),
        ((0.0, 0.0, 0.0), "share", "0 points [0, 0]"),
        ((0.4, float("-inf"), float("inf")), "ms", "+0.4 ms [one pair has no interval]"),
    ],
)
def test_differences(numbers: tuple[float, float, float], unit: str, text: str) -> None:
    """With sign, unit and interval."""
    assert difference_text(*numbers, unit) == text


@pytest.mark.parametrize(("value", "unit", "text"), [(0.453, "share", "45.3 %"), (12.0, "s", "12 s"), (3.5, "", "3.5")])
def test_values(value: float, unit: str, text: str) -> None:
    """A share is a percentage."""
    assert value_text(value, unit) == text


def test_the_question_names_all() -> None:
    """One treatment, or several."""
    assert told(*goodput(CALM, timeout=CALM)).question == "Does timeout help in cascading_failure, against none?"
    several = told(*of_all_kinds(), **THREE).question
    assert several == "Do bulkhead, timeout and retry help in cascading_failure, against none?"


def test_charts_of_each_treatment() -> None:
    """What decides by pair, then every measure as a strip; keys are unlike, and nothing measured is said in words."""
    sections = charts(compared(*of_all_kinds(), **THREE))
    assert [section.title for section in sections] == [
        "bulkhead less none, pair by pair", "timeout less none, pair by pair", "retry less none, pair by pair",
    ]  # fmt: skip
    keys = [cell.figure.key for section in sections for cell in section.cells if cell.figure]
    assert len(keys) == len(set(keys)) == 6
    assert [cell.heading for cell in sections[1].cells] == [
        "goodput, points, by pair",
        "goodput, points, difference: better",
    ]
    (nothing,) = charts(compared())
    assert (nothing.cells, nothing.absent) == ([], "No valid pair was measured.")
