from random import Random
from statistics import fmean, stdev

import pytest

from rulezero.service.service_time import service_time_s


@pytest.mark.parametrize("cv", [0.1, 0.5, 1.0, 1.5, 2.0])
def test_mean_and_spread_are_those_asked_for(cv: float) -> None:
    """Within what 20,000 draws allow."""
    random = Random(3)
    drawn = [service_time_s(0.05, cv, random) for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(0.05, rel=0.06), "seed 3"
    assert stdev(drawn) / fmean(drawn) == pytest.approx(cv, rel=0.06), "seed 3"


def test_exponential_times_are_the_very_draws_of_the_random_source() -> None:
    """So that records made before there was a choice can be repeated."""
    ours, plain = Random(5), Random(5)
    assert [service_time_s(0.2, 1.0, ours) for _ in range(100)] == [plain.expovariate(1 / 0.2) for _ in range(100)]


@pytest.mark.parametrize("cv", [0.0, 1e-300, 1e-9])
def test_without_spread_the_time_is_fixed(cv: float) -> None:
    """And nothing is drawn."""
    random = Random(5)
    before = random.getstate()
    assert {service_time_s(0.2, cv, random) for _ in range(10)} == {0.2}
    assert random.getstate() == before


@pytest.mark.parametrize("cv", [0.001, 10.0])
def test_the_ends_of_what_may_be_set_still_draw(cv: float) -> None:
    """No overflow, nothing negative."""
    random = Random(5)
    drawn = [service_time_s(0.05, cv, random) for _ in range(1000)]
    assert min(drawn) >= 0
    assert max(drawn) < 1000
    assert len(set(drawn)) > 100
