"""What `/metrics` shows: bytes in and out of every proxy, and the process itself, each only where asked for."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

Labels = tuple[str, str, str, str]
"""Direction, proxy, listener, upstream."""
LABEL_NAMES = ("direction", "proxy", "listener", "upstream")


class ProxyBytes(Collector):
    """Counts the bytes of each direction of each proxy."""

    def __init__(self) -> None:
        self._totals: dict[Labels, list[int]] = {}

    def counter(self, labels: Labels) -> Callable[[int, int], None]:
        """Return a function that takes bytes received and bytes sent."""
        totals = self._totals.setdefault(labels, [0, 0])

        def count(received: int, sent: int) -> None:
            totals[0] += received
            totals[1] += sent

        return count

    def collect(self) -> Iterator[Metric]:
        """Yield both counters."""
        for position, name in enumerate(("received", "sent")):
            family = CounterMetricFamily(f"toxiproxy_proxy_{name}_bytes", "", labels=LABEL_NAMES)
            for labels, totals in self._totals.items():
                family.add_metric(labels, totals[position])
            yield family


class Metrics:
    """The registry of one server; without any collector there is no `/metrics`."""

    def __init__(self, *, proxy: bool = False, runtime: bool = False) -> None:
        self._registry = CollectorRegistry()
        self.proxy_bytes = ProxyBytes() if proxy else None
        self.enabled = proxy or runtime
        if self.proxy_bytes is not None:
            self._registry.register(self.proxy_bytes)
        if runtime:
            GCCollector(self._registry)
            PlatformCollector(self._registry)
            ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        """Return the text format."""
        return generate_latest(self._registry)
