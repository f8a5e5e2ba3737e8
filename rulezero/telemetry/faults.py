"""The faults in place, as a metric: the same series in Prometheus and in the record, whoever injected them."""

from dataclasses import astuple, dataclass

from prometheus_client import CollectorRegistry, Gauge

REGISTRY = CollectorRegistry()
TOXIC_ACTIVE = Gauge(
    "toxic_active", "1 while a fault is in place.", ["proxy", "toxic", "type", "stream"], registry=REGISTRY
)


@dataclass(frozen=True, slots=True)
class FaultSeries:
    """One fault: the link or part that it is at, its name there, its kind, and the direction where it has one."""

    proxy: str
    toxic: str
    type: str
    stream: str = ""

    @property
    def labels(self) -> str:
        """Return the labels in the text format, without braces."""
        return f'proxy="{self.proxy}",toxic="{self.toxic}",type="{self.type}",stream="{self.stream}"'

    def show(self, value: int) -> None:
        """Export 1 while it is in place, else 0."""
        TOXIC_ACTIVE.labels(*astuple(self)).set(value)

    def forget(self) -> None:
        """Export it no longer."""
        TOXIC_ACTIVE.remove(*astuple(self))
