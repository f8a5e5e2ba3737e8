"""Closed forms: numbers one can do in one's head."""

import pytest

from rulezero.analysis.predict import herd, layered_attempts, pool_exhaustion_s, recovery_s


def test_a_herd_is_the_first_miss_and_all_that_come_while_it_loads() -> None:
    """80 a second and 0.3 s: 24 more; without traffic only the first."""
    assert herd(80, 0.3) == pytest.approx(25)
    assert herd(0, 0.3) == 1


def test_a_pool_lasts_slots_by_rate() -> None:
    """36 slots and 20 hanging requests a second: 1.8 s."""
    assert pool_exhaustion_s(36, 20) == pytest.approx(1.8)


def test_a_backlog_drains_with_what_capacity_is_left() -> None:
    """8 s at 100 a second are 800 waiting requests; 200 more a second are served than come: 4 s."""
    assert recovery_s(8, 1, 100, 300) == pytest.approx(4)
    assert recovery_s(8, 2, 100, 300) == pytest.approx(16), "twice as many to serve, and half the room"
    assert recovery_s(0, 1, 100, 300) == 0
    assert recovery_s(8, 1, 100, 300, patience_s=1) == pytest.approx(2.5), "three hundred may still wait"
    assert recovery_s(1, 1, 100, 300, patience_s=1) == 0


@pytest.mark.parametrize("amplification", [3, 9])
def test_a_backlog_that_grows_as_fast_as_it_drains_never_does(amplification: float) -> None:
    """At capacity or over it there is no recovery, and no division by zero."""
    assert recovery_s(8, amplification, 100, 300) is None


def test_layers_multiply() -> None:
    """Three attempts at two layers are nine; one layer is itself."""
    assert [layered_attempts(3, layers) for layers in (0, 1, 2, 3)] == [1, 3, 9, 27]
