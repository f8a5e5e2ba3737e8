"""Paired runs of two arms: what the difference is, how sure that is, and what may be called by it.

One observation is one pair of runs with the same seed and the same arrivals; requests within a run depend on each
other, so they are no observations. Intervals are Student's t over the differences of the pairs (Student 1908). Looking
several times and at several arms costs: each look at each arm gets an equal part of the error rate (Bonferroni), so
that one may stop at any of the looks and the intervals of all arms and looks hold together.

Differences that are all the same have an interval without width. It is taken at its word: the floor, which knows what
this machine does to two runs of the same, keeps a call from being made on a coarse measure that happens to repeat.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from scipy import stats

from rulezero.analysis.measures import Better

Call = Literal["helps", "no effect", "harms", "inconclusive"]

ERROR_RATE = 0.05
_FIRST_LOOK = 4
_MORE_PAIRS_MAX = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean difference, treatment less control, and the range it lies in; `low` and `high` are infinite for one pair.

    `pairs` is the number of observations, `error_rate` how often such a range misses.
    """

    mean: float
    low: float
    high: float
    pairs: int
    error_rate: float


def looks(pairs_max: int) -> tuple[int, ...]:
    """Return after how many pairs one looks whether the answer is clear: at a half, three quarters, and all of them."""
    half, most = pairs_max // 2, (3 * pairs_max) // 4
    return tuple(sorted({count for count in (half, most) if count >= _FIRST_LOOK} | {pairs_max}))


def interval(differences: Sequence[float], *, error_rate: float = ERROR_RATE) -> Interval:
    """Return the mean of these and its interval. Raises ValueError when there are none."""
    if not differences:
        raise ValueError("no pairs, no interval")
    mean, count = _mean(differences), len(differences)
    half = half_width(deviation(differences), count, error_rate=error_rate)
    return Interval(mean=mean, low=mean - half, high=mean + half, pairs=count, error_rate=error_rate)


def call(found: Interval, *, better: Better, floor: float, margin: float) -> Call:
    """Return what may be said of a treatment.

    Args:
        found: Its differences to the control.
        better: Which way is better.
        floor: The smallest effect that can be told from noise here; one that may be smaller is not called.
        margin: An effect that is surely smaller than this is none.

    """
    low, high = (found.low, found.high) if better == "higher" else (-found.high, -found.low)
    mean = found.mean if better == "higher" else -found.mean
    if low > 0 and mean > floor:
        return "helps"
    if high < 0 and mean < -floor:
        return "harms"
    # Not "<": where the control has 0, so is the margin, and two arms that both have 0 do not differ.
    if -margin <= low and high <= margin:
        return "no effect"
    return "inconclusive"


def sequential_call(
    differences: Sequence[float], *, better: Better, floor: float, margin: float, error_rate: float = ERROR_RATE
) -> Call:
    """Return what is called of one treatment by looking after `looks` of these pairs and stopping when it is clear."""
    when = looks(len(differences))
    found: Call = "inconclusive"
    for count in when:
        seen = interval(differences[:count], error_rate=error_rate / len(when))
        found = call(seen, better=better, floor=floor, margin=margin)
        if found != "inconclusive":
            break
    return found


def more_pairs(differences: Sequence[float], *, error_rate: float, floor: float, margin: float) -> int | None:
    """Return how many more pairs would settle it if they came out as those so far; None if a thousand would not."""
    mean, spread = abs(_mean(differences)), deviation(differences)
    for count in range(len(differences) + 1, _MORE_PAIRS_MAX + 1):
        half = half_width(spread, count, error_rate=error_rate)
        if (mean > half and mean > floor) or mean + half <= margin:
            return count - len(differences)
    return None


def deviation(differences: Sequence[float]) -> float:
    """Return the standard deviation of a population of which these are a sample; infinite for fewer than two."""
    if len(differences) < 2:
        return math.inf
    mean = _mean(differences)
    return math.sqrt(math.fsum((each - mean) ** 2 for each in differences) / (len(differences) - 1))


def half_width(spread: float, pairs: int, *, error_rate: float) -> float:
    """Return half the width of the interval of so many pairs which scatter by this standard deviation."""
    return _quantile(error_rate, pairs - 1) * spread / math.sqrt(pairs) if pairs > 1 else math.inf


def _mean(differences: Sequence[float]) -> float:
    return math.fsum(differences) / len(differences)


@cache
def _quantile(error_rate: float, degrees_of_freedom: int) -> float:
    return float(stats.t.ppf(1 - error_rate / 2, degrees_of_freedom))
