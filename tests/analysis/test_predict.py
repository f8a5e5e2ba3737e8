"""Closed forms: numbers one can do in one's head."""

import pytest

from rulezero.analysis.predict import herd, layered_attempts, pool_exhaustion_s


def test_a_herd_is_the_first_miss_and_all_that_come_while_it_loads() -> None:
    """80 a second and 0.3 s: 24 more; without traffic only the first."""
    assert herd(80, 0.3) == pytest.approx(25)
    assert herd(0, 0.3) == 1


def test_a_pool_lasts_slots_by_rate() -> None:
    """36 slots and 20 hanging requests a second: 1.8 s."""
    assert pool_exhaustion_s(36, 20) == pytest.approx(1.8)


def test_a_breaker_opens_after_a_timeout_and_enough_failures() -> None:
    """0.5 s, then half of 10 calls at 20 a second: 0.25 s."""
    assert breaker_opens_s(0.5, 0.5, 10, 20) == pytest.approx(0.75)


def test_layers_multiply() -> None:
    """Three attempts at two layers are nine; one layer is itself."""
    assert [layered_attempts(3, layers) for layers in (0, 1, 2, 3)] == [1, 3, 9, 27]
