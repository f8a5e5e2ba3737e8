"""A noise floor in words: the smallest effect first, then what looks odd."""

import random
from typing import Any

from rulezero.analysis.noise import noise_floor
from rulezero.report.compared_noise import exit_status, tell
from rulezero.report.compared_page import Told
from rulezero.series import Entry
from tests.analysis.pair_series import entry, series

AGAIN = "none_again"


def pairs(count: int, *, later: float = 0.0) -> list[Entry]:
    rng = random.Random(1)
    return [
        entry(
            number,
            {
                "none": {"goodput": 0.5 + rng.gauss(0, 0.01) + later * (1 - number % 2)},
                AGAIN: {"goodput": 0.5 + rng.gauss(0, 0.01) + later * (number % 2)},
            },
        )
        for number in range(1, count + 1)
    ]


def told(*entries: Entry, **asked: Any) -> Told:
    return tell(noise_floor(series(*entries, kind="aa", treatments=[AGAIN], **asked)), folder="runs/a")


def test_the_smallest_effect_comes_first() -> None:
    """In points, of what decides."""
    found = told(*pairs(8))
    assert found.lines[0].startswith("The smallest effect that 8 pairs can tell here: goodput ")
    assert found.lines[0].endswith(" points.")
    (row,) = found.tables[0].rows
    assert row[0] == "goodput"
    assert row[-1] in ("0 of 1", "1 of 1")
    assert "goes by this floor" in found.notes[-1]


def test_an_effect_of_the_order_is_named() -> None:
    """What runs second is better here, which pairs that turn cancel, and which somebody should know."""
    assert any(
        line.startswith("goodput: what ran second differs from what ran first: +2")
        for line in told(*pairs(8, later=0.2)).lines
    )
    assert not any("ran second" in line for line in told(*pairs(8)).lines)


def test_runs_that_do_not_differ() -> None:
    """Have no smallest effect."""
    same = [entry(number, {"none": {"goodput": 1.0}, AGAIN: {"goodput": 1.0}}) for number in range(1, 9)]
    assert told(*same).lines[0] == "none twice did not differ in what decides, in 8 pairs."


def test_what_is_not_finished_says_so() -> None:
    """Too few pairs so far, or too many that were invalid; both end with 2."""
    assert told(*pairs(3)).lines[0] == "Unfinished: 3 of 8 pairs. Go on: rulezero aa --resume runs/a"
    bad = [entry(1, {"none": {}, AGAIN: {}}, valid=False) for _ in range(6)]
    assert told(*bad).lines[0].startswith("Gave up after 0 of 8 pairs, because too many were invalid. The last: none:")
    for entries in (pairs(3), bad):
        assert exit_status(noise_floor(series(*entries, kind="aa", treatments=[AGAIN]))) == 2
    assert exit_status(noise_floor(series(*pairs(8), kind="aa", treatments=[AGAIN]))) == 0
