"""Paired runs of two arms: what the difference is, how sure that is, and what may be called by it.

One observation is one pair of runs with the same seed and the same arrivals; requests within a run depend on each
other, so they are no observations. Intervals are Student's t over the differences of the pairs (Student 1908). Looking
several times and at several arms costs: each look at each arm gets an equal part of the error rate (Bonferroni), so
that one may stop at any of the looks and the intervals of all arms and looks hold together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
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
    mean, count = fmean(differences), len(differences)
    half = _half_width(differences, count, error_rate)
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
    if low > floor:
        return "helps"
    if high < -floor:
        return "harms"
    if -margin < low and high < margin:
        return "no effect"
    return "inconclusive"


def more_pairs(differences: Sequence[float], *, error_rate: float, floor: float, margin: float) -> int | None:
    """Return how many more pairs would settle it if they came out as those so far; None if a thousand would not."""
    mean = abs(fmean(differences))
    for count in range(len(differences) + 1, _MORE_PAIRS_MAX + 1):
        half = _half_width(differences, count, error_rate)
        if mean - half > floor or mean + half < margin:
            return count - len(differences)
    return None


def _half_width(differences: Sequence[float], count: int, error_rate: float) -> float:
    """Return half the width of the interval that `count` pairs would have which scatter as these do."""
    if len(differences) < 2:
        return math.inf
    return float(stats.t.ppf(1 - error_rate / 2, count - 1)) * stdev(differences) / math.sqrt(count)
