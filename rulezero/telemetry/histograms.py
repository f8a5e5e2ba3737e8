"""A histogram that one thread observes into, and that is written as text at little cost.

prometheus_client builds each sample anew at every scrape and escapes it letter by letter, 25 us of it; a thousand of
them are a pause of 25 ms, which in a load generator delays what is due. Here all but the numbers is made once.

Source: OpenMetrics 1.0, sections on histograms and exemplars.
"""

import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Distribution:
    """One series. Buckets include their bounds, the last one has none; each keeps the last trace that fell into it."""

    __slots__ = ("bounds", "counts", "exemplars", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.exemplars = [""] * len(self.counts)
        self.total = 0.0

    def observe(self, value: float, trace_id: str = "") -> None:
        """Take one value; with a trace id, that trace stands for the bucket from now on."""
        place = bisect_left(self.bounds, value)
        self.counts[place] += 1
        self.total += value
        if trace_id:
            self.exemplars[place] = f' # {{trace_id="{trace_id}"}} {value:.6f} {time.time():.3f}'


class LoopHistogram:
    """All series of one metric."""

    def __init__(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self.name = name
        self.labels = tuple(labels)
        self.bounds = tuple(bounds)
        self._head = f"# HELP {name} {text}\n# TYPE {name} histogram\n"
        self._series: dict[tuple[str, ...], Distribution] = {}
        self._heads: dict[tuple[str, ...], list[str]] = {}

    def series(self, **values: str) -> Distribution:
        """Return the series of these label values; keep it, because finding it costs more than observing."""
        key = tuple(values[label] for label in self.labels)
        if key not in self._series:
            self._series[key] = Distribution(self.bounds)
            self._heads[key] = self._new_heads(key)
        return self._series[key]

    def clear(self) -> None:
        """Forget every series."""
        self._series.clear()
        self._heads.clear()

    def text(self) -> str:
        """Return the metric in OpenMetrics' text format, without the mark of the end."""
        parts = [self._head]
        for key, series in self._series.items():
            counts = list(accumulate(series.counts))
            *buckets, count, total = self._heads[key]
            for head, number, exemplar in zip(buckets, counts, series.exemplars, strict=True):
                parts.append(f"{head} {number}{exemplar}\n")
            parts.append(f"{count} {counts[-1]}\n{total} {series.total!r}\n")
        return "".join(parts)

    def _new_heads(self, key: tuple[str, ...]) -> list[str]:
        labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(self.labels, key, strict=True))
        separator = "," if labels else ""
        bounds = [*(repr(float(bound)) for bound in self.bounds), "+Inf"]
        buckets = [f'{self.name}_bucket{{{labels}{separator}le="{bound}"}}' for bound in bounds]
        braced = f"{{{labels}}}" if labels else ""
        return [*buckets, f"{self.name}_count{braced}", f"{self.name}_sum{braced}"]


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
