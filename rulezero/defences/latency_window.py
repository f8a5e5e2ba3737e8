"""Latency window: percentiles of the latencies of the last seconds, in bounded memory.

What: histograms with logarithmic buckets, one per slice of time, of which the oldest is dropped. Why: sorting all the
latencies of a window stops the event loop for milliseconds, and a sample of them is poor in the tail.
Source: the windowed histogram behind Finagle's backup requests; logarithmic buckets as in DDSketch (Masson et al.,
VLDB 2019), whose relative error is the same at every percentile; for calls that were not waited for to the end, the
estimate of Kaplan and Meier (1958). To leave those out, or to take them for ended, makes the slowest look fast.

Finer than the clock nothing is known: uvloop's ticks in milliseconds, and a latency below one is recorded as none.
"""

import math
from collections import Counter, deque

GROWTH = 1.04  # Each bucket is 4 % wider than the one before: some 400 cover a tenth of a millisecond to an hour.
_LOG_GROWTH = math.log(GROWTH)
_FLOOR_S = 1e-6
_ROUNDING = 1e-9


class LatencyWindow:
    """Covers the last `span_s` seconds less at most one slice's width."""

    def __init__(self, span_s: float, slices: int) -> None:
        self._width_s = span_s / slices
        self._slices = slices
        self._counts: deque[tuple[int, Counter[int]]] = deque()

    def record(self, latency_s: float, now_s: float, *, ended: bool = True) -> None:
        """Take a latency that was known now, by a clock that never goes back; not `ended`: it was at least so long."""
        current = int(now_s / self._width_s)
        if not self._counts or self._counts[-1][0] != current:
            self._forget(current)
            self._counts.append((current, Counter()))
        bucket = math.ceil(math.log(max(latency_s, _FLOOR_S)) / _LOG_GROWTH)
        self._counts[-1][1][2 * bucket + (not ended)] += 1

    def percentile(self, share: float, now_s: float, *, samples_min: int = 1) -> float | None:
        """Return the least time within which `share` of the calls end, up to 4 % above it.

        When too many did not end to know, the longest time seen; None with fewer than `samples_min` in the window.
        """
        self._forget(int(now_s / self._width_s))
        merged: Counter[int] = Counter()
        for _, counts in self._counts:
            merged.update(counts)
        under_way, surviving, bucket = merged.total(), 1.0, 0
        if under_way < max(samples_min, 1):
            return None
        for key in sorted(merged):
            bucket, not_ended = divmod(key, 2)
            if not not_ended:
                surviving *= 1 - merged[key] / under_way
                if surviving <= 1 - share + _ROUNDING:
                    break
            under_way -= merged[key]
        return float(GROWTH**bucket)

    def _forget(self, current: int) -> None:
        while self._counts and self._counts[0][0] <= current - self._slices:
            self._counts.popleft()
