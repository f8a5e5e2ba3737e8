"""Paired differences: intervals, calls, and how often the rule calls what is not there."""

import math
import random
from collections import Counter

import pytest

from rulezero.analysis.paired import (
    ERROR_RATE,
    Call,
    Interval,
    call,
    deviation,
    half_width,
    interval,
    looks,
    more_pairs,
    sequential_call,
)

EXPERIMENTS = 2000
PAIRS = 8
# Of a share of 5 % in two thousand, four standard errors: once in thirty thousand seeds.
SAMPLING_ERROR = 4 * math.sqrt(ERROR_RATE * (1 - ERROR_RATE) / EXPERIMENTS)


def between(low: float, high: float) -> Interval:
    return Interval(mean=(low + high) / 2, low=low, high=high, pairs=8, error_rate=0.05)


def called(effect: float, deviation: float, *, seed: int) -> Counter[Call]:
    """Return what the rule called in many simulated experiments; the seed is printed, for one that fails."""
    print(f"seed {seed}")  # noqa: T201 - pytest shows it with a failure.
    rng = random.Random(seed)
    return Counter(
        sequential_call([rng.gauss(effect, deviation) for _ in range(PAIRS)], better="higher", floor=0.0, margin=0.0)
        for _ in range(EXPERIMENTS)
    )


def test_what_is_not_there_is_seldom_called() -> None:
    """In one of twenty experiments at most, although the rule looks three times and may stop at each."""
    counts = called(0.0, 1.0, seed=random.randrange(2**32))
    assert (counts["helps"] + counts["harms"]) / EXPERIMENTS <= ERROR_RATE + SAMPLING_ERROR
    assert counts["inconclusive"] > EXPERIMENTS / 2


def test_a_large_effect_is_nearly_always_called() -> None:
    """Three standard deviations, in eight pairs or fewer; the other way round it harms, and never the wrong way."""
    seed = random.randrange(2**32)
    up, down = called(3.0, 1.0, seed=seed), called(-3.0, 1.0, seed=seed)
    assert up["helps"] / EXPERIMENTS > 0.99
    assert down["harms"] / EXPERIMENTS > 0.99
    assert up["harms"] == down["helps"] == 0


def test_runs_that_either_recover_or_do_not() -> None:
    """Differences of minus one, none and one are far from normal, and often all the same; still few are called."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it with a failure.
    rng = random.Random(seed)
    found = Counter(
        sequential_call(
            [float(rng.randrange(2) - rng.randrange(2)) for _ in range(PAIRS)], better="lower", floor=0.0, margin=0.05
        )
        for _ in range(EXPERIMENTS)
    )
    assert (found["helps"] + found["harms"]) / EXPERIMENTS <= ERROR_RATE + SAMPLING_ERROR


def test_an_interval_is_students() -> None:
    """By the table: 2.776 for 5 pairs at 95 %."""
    found = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == pytest.approx(3.0)
    assert found.high - found.mean == pytest.approx(2.776 * math.sqrt(2.5 / 5), rel=1e-3)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)
    assert (found.pairs, found.error_rate) == (5, 0.05)


def test_a_smaller_error_rate_makes_it_wider() -> None:
    """And more pairs make it narrower."""
    few = [1.0, 2.0, 3.0, 4.0]
    assert interval(few, error_rate=0.01).low < interval(few).low
    assert interval(few * 4).low > interval(few).low


def test_one_pair_says_nothing() -> None:
    """Its interval has no end, no call is made, and how many more it takes cannot be told; none is no question."""
    one = interval([0.4])
    assert (one.low, one.high) == (-math.inf, math.inf)
    assert call(one, better="higher", floor=0.0, margin=0.05) == "inconclusive"
    assert more_pairs([0.4], error_rate=0.05, floor=0.0, margin=0.05) is None
    with pytest.raises(ValueError, match="no pairs"):
        interval([])


@pytest.mark.parametrize(
    ("low", "high", "higher", "lower"),
    [
        (0.06, 0.10, "helps", "harms"),
        (-0.10, -0.06, "harms", "helps"),
        (0.04, 0.10, "helps", "harms"),
        (0.01, 0.08, "inconclusive", "inconclusive"),
        (-0.01, 0.16, "inconclusive", "inconclusive"),
        (-0.04, 0.04, "no effect", "no effect"),
        (0.01, 0.04, "no effect", "no effect"),
        (-0.20, 0.20, "inconclusive", "inconclusive"),
        (-0.06, 0.0, "inconclusive", "inconclusive"),
    ],
)
def test_calls(low: float, high: float, higher: Call, lower: Call) -> None:
    """Its middle beyond the floor and all of it beyond 0, or all of it within the margin, or neither."""
    assert call(between(low, high), better="higher", floor=0.05, margin=0.05) == higher
    assert call(between(low, high), better="lower", floor=0.05, margin=0.05) == lower


def test_within_the_floor_nothing_is_called() -> None:
    """However sure the difference is: two runs of the same differ by as much."""
    assert call(between(0.06, 0.08), better="higher", floor=0.10, margin=0.05) == "inconclusive"
    assert more_pairs([0.07, 0.071, 0.069], error_rate=0.05, floor=0.10, margin=0.05) is None


def test_differences_without_any_deviation() -> None:
    """All 0 is no effect, also by a margin of 0; all the same is called when it is beyond the floor."""
    nothing, same = interval([0.0] * 4), interval([3.0] * 4)
    assert (nothing.low, nothing.high) == (0.0, 0.0)
    assert call(nothing, better="lower", floor=0.0, margin=0.0) == "no effect"
    assert call(same, better="lower", floor=1.0, margin=0.0) == "harms"
    assert call(same, better="lower", floor=4.0, margin=1.0) == "inconclusive"
    assert more_pairs([3.0] * 4, error_rate=0.05, floor=4.0, margin=1.0) is None


def test_looks() -> None:
    """At a half, three quarters and all; never at fewer than four pairs unless no more were asked for."""
    assert looks(8) == (4, 6, 8)
    assert looks(20) == (10, 15, 20)
    assert looks(6) == (4, 6)
    assert [looks(count) for count in (1, 3, 4, 5)] == [(1,), (3,), (4,), (5,)]


def test_more_pairs_are_as_many_as_it_takes() -> None:
    """With the pairs so far repeated so often, the interval is clear of 0, and with one fewer it is not."""
    differences = [0.02, 0.18, 0.05, 0.15]
    more = more_pairs(differences, error_rate=0.05, floor=0.05, margin=0.05)
    assert more is not None
    spread = deviation(differences)
    assert 0.1 - half_width(spread, 4 + more, error_rate=0.05) > 0
    assert 0.1 - half_width(spread, 3 + more, error_rate=0.05) <= 0


def test_more_pairs_may_show_that_there_is_no_effect() -> None:
    """A mean near 0 with too wide an interval."""
    differences = [0.06, -0.05, 0.04, -0.06]
    more = more_pairs(differences, error_rate=0.05, floor=0.05, margin=0.05)
    assert more is not None
    assert abs(sum(differences) / 4) + half_width(deviation(differences), 4 + more, error_rate=0.05) <= 0.05


def test_the_rule_stops_at_the_first_clear_look() -> None:
    """What would come after four clear pairs changes nothing."""
    clear = [1.0, 1.1, 0.9, 1.0]
    assert sequential_call([*clear, -9.0, -9.0, -9.0, -9.0], better="higher", floor=0.0, margin=0.0) == "helps"
