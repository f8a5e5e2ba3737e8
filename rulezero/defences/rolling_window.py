"""Rolling window: counts and sums over the last seconds, in constant memory.

What: sums over a ring of buckets, each a slice of time. Why: rates need a window that forgets, and one that counts by
time does so at any traffic, where "the last 100 calls" may reach back an hour.
Source: the sliding windows of resilience4j, with a bucket per slice of time instead of one per second.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """How many calls ended, and how many of them badly."""

    calls: int = 0
    failures: int = 0
    slow: int = 0

    def count(self, *, failed: bool, slow: bool) -> None:
        """Count one call."""
        self.calls += 1
        if failed:
            self.failures += 1
        if slow:
            self.slow += 1

    def subtract(self, other: "Tally") -> None:
        """Take the counts of another tally away."""
        self.calls -= other.calls
        self.failures -= other.failures
        self.slow -= other.slow


class RollingWindow:
    """The newest bucket is filling, so the sums cover the last `span_s` seconds less at most one bucket's width."""

    def __init__(self, span_s: float, buckets: int) -> None:
        self.total = Tally()
        self._width_s = span_s / buckets
        self._ring = [Tally() for _ in range(buckets)]
        self._filling = self._ring[0]
        self._newest = 0

    def count(self, now_s: float, *, failed: bool, slow: bool) -> None:
        """Count one call that ended now, by a clock that never goes back."""
        if int(now_s / self._width_s) != self._newest:
            self.forget(now_s)
        self._filling.count(failed=failed, slow=slow)
        self.total.count(failed=failed, slow=slow)

    def forget(self, now_s: float) -> None:
        """Empty the buckets that time has passed over, each at most once."""
        current = int(now_s / self._width_s)
        if current == self._newest:
            return
        size = len(self._ring)
        for number in range(max(self._newest + 1, current - size + 1), current + 1):
            self.total.subtract(self._ring[number % size])
            self._ring[number % size] = self._filling = Tally()
        self._newest = current


class RollingSum:
    """The sum of what was added, or taken away, in the last `span_s` seconds less at most one bucket's width."""

    def __init__(self, span_s: float, buckets: int) -> None:
        self._width_s = span_s / buckets
        self._ring = [0.0] * buckets
        self._newest = 0
        self._total = 0.0

    def add(self, amount: float, now_s: float) -> None:
        """Add an amount, negative too, by a clock that never goes back."""
        self._forget(now_s)
        self._ring[self._newest % len(self._ring)] += amount
        self._total += amount

    def total(self, now_s: float) -> float:
        """Return the sum as of now."""
        self._forget(now_s)
        return self._total

    def _forget(self, now_s: float) -> None:
        current = int(now_s / self._width_s)
        if current == self._newest:
            return
        size = len(self._ring)
        for number in range(max(self._newest + 1, current - size + 1), current + 1):
            self._ring[number % size] = 0.0
        self._newest = current
        self._total = sum(self._ring)  # Anew, so that rounding errors do not add up.
