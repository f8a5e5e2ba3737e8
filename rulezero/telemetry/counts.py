"""A counter that one thread counts and others read.

prometheus_client's own takes a lock and checks its argument at every step, which is most of what a defence costs when
it does nothing but count that it was asked. An event loop is one thread, and reading a number needs no lock.
"""

from collections.abc import Iterator, Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class Count:
    """One series. Add to `value`, from the event loop's thread alone."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class LoopCounter(Collector):
    """All series of one metric; `name` is without the "_total" that Prometheus appends."""

    def __init__(self, name: str, text: str, labels: Sequence[str], *, registry: CollectorRegistry = REGISTRY) -> None:
        self.name = name
        self.labels = tuple(labels)
        self._text = text
        self._counts: dict[tuple[str, ...], Count] = {}
        registry.register(self)

    def series(self, **values: str) -> Count:
        """Return the series of these label values; keep it, because finding it costs more than counting."""
        return self._counts.setdefault(tuple(values[label] for label in self.labels), Count())

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the metric, as a registry asks for it, from any thread."""
        family = CounterMetricFamily(self.name, self._text, labels=self.labels)
        # Copied in one step: building pairs may start a garbage collection, and then the other thread gets its turn.
        for values, count in self._counts.copy().items():
            family.add_metric(values, count.value)
        yield family
