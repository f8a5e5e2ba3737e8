"""Beside what defences are priced."""

import pytest

from rulezero.analysis.beside import BESIDE, CONTROL, control_of, together
from rulezero.toggles.settings import NAMES


@pytest.mark.parametrize(
    ("defence", "control", "on"),
    [
        ("timeout", "none", ("timeout",)),
        ("circuit_breaker", "timeout", ("timeout", "circuit_breaker")),
        ("retry_budget", "retry", ("timeout", "retry", "retry_budget")),
    ],
)
def test_a_defence_comes_after_all_that_it_needs(defence: str, control: str, on: tuple[str, ...]) -> None:
    """And differs from its control in nothing but itself."""
    assert control_of(defence) == control
    assert together(defence) == on


@pytest.mark.parametrize("defence", NAMES)
def test_every_price_is_that_of_one_defence(defence: str) -> None:
    """What an arm has on is what its control has on, and one more."""
    control = control_of(defence)
    assert together(defence) == (*(together(control) if control != CONTROL else ()), defence)


def test_only_defences_are_named() -> None:
    """On both sides."""
    assert {*BESIDE, *BESIDE.values()} <= set(NAMES)
