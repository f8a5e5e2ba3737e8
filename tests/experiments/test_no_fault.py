"""The experiment of the price list: one arm for each defence, with what it needs and the numbers that are shipped."""

from pathlib import Path

import pytest

from rulezero.analysis.beside import control_of, together
from rulezero.analysis.price import arms_for
from rulezero.checkout import DEFENCES, load_experiment
from rulezero.toggles.presets import enable
from rulezero.toggles.settings import NAMES, defaults, merge, parse

ROOT = Path(__file__).parents[2]
EXPERIMENT = load_experiment("no_fault")
ARMS = {arm.name: arm for arm in EXPERIMENT.arms}


def test_every_defence_has_its_arm() -> None:
    """A new one too, without a word here; and the price list finds all that it needs."""
    assert list(ARMS) == ["none", *NAMES]
    assert set(arms_for(NAMES)) == set(ARMS)


@pytest.mark.parametrize("defence", NAMES)
def test_an_arm_differs_from_its_control_by_one_defence(defence: str) -> None:
    """In what is on, and in no number of what both have on."""
    arm, control = ARMS[defence], ARMS[control_of(defence)]
    assert arm.defences == together(defence)
    assert {*arm.defences} - {*control.defences} == {defence}
    assert {name: numbers for name, numbers in arm.numbers.items() if name != defence} == dict(control.numbers)


@pytest.mark.parametrize("defence", NAMES)
def test_the_numbers_are_those_that_are_shipped(defence: str) -> None:
    """A price of other numbers would be nobody's."""
    path = ROOT / DEFENCES
    shipped = enable(parse(path.read_text(encoding="utf-8"), source=str(path)), ())
    assert merge(defaults(), ARMS[defence].numbers)[defence] == shipped[defence]


def test_nothing_is_done_to_the_shop() -> None:
    """No fault, no crowd; every route of the shop is asked."""
    assert (EXPERIMENT.faults, EXPERIMENT.bursts, EXPERIMENT.base) == ((), (), ())
    assert {stream.route for stream in EXPERIMENT.streams} == {"browse", "search", "offers", "checkout", "receipt"}
