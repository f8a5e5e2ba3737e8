"""A small slice of `make fuzz`, and that it finds what it looks for."""

from pathlib import Path
from random import Random

import pytest

from campaigns.fuzz.campaign import TARGETS, run
from campaigns.fuzz.target import Target, Unhandled
from rulezero.errors import UsageProblem

INPUTS, SEED = 500, 20_261_122


@pytest.mark.wall_clock
def test_a_slice_of_the_campaign_finds_nothing(tmp_path: Path) -> None:
    """Every target has its share, and both ends are reached: inputs that are accepted, inputs that are refused."""
    result = run(tmp_path, INPUTS, SEED, print)
    assert result.texts == []
    rows = dict(result.rows())
    assert set(rows) == {kind.name for kind in TARGETS}
    assert result.inputs >= INPUTS
    assert all(counts["accepted"] and counts["refused"] for counts in rows.values()), rows


class Fragile(Target):
    """Fails in each of the ways there are, in turn."""

    name, share = "fragile", 100

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._failures = iter((KeyError("x"), Unhandled("500"), UsageProblem("no"), RecursionError("deep")))

    def attempt(self, random: Random) -> bool:
        """Fail, then refuse, then accept."""
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        return random.random() < 2


def test_whatever_is_no_problem_is_a_finding(tmp_path: Path) -> None:
    """A refusal is counted as such; any other exception is told with the number that repeats it."""
    result = run(tmp_path, 6, SEED, print, [Fragile])
    assert result.rows() == [("fragile", {"inputs": 6, "accepted": 2, "refused": 1, "unhandled": 3})]
    assert [text.partition(":")[0] for text in result.texts] == [f"fragile input {number}" for number in (0, 1, 3)]


def test_an_input_is_drawn_from_its_number(tmp_path: Path) -> None:
    """So that a finding can be repeated without all that came before."""
    drawn: list[list[float]] = [[], []]

    class Noting(Target):
        name, share = "noting", 1

        def attempt(self, random: Random) -> bool:
            drawn[0].append(random.random())
            return True

    for count, folder in ((5, tmp_path / "a"), (3, tmp_path / "b")):
        folder.mkdir()
        run(folder, count, SEED, print, [Noting])
        drawn.insert(0, [])
    assert drawn[1] == drawn[2][:3]
