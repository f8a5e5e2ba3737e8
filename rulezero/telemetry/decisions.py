"""What a defence decided, as a counter and as an attribute of the current span."""

from collections.abc import Callable

from prometheus_client import Gauge

from rulezero.defences.context import Family
from rulezero.telemetry import metrics
from rulezero.telemetry.counts import Count
from rulezero.telemetry.tracing import recorded_span


class Decisions:
    """The teller of one defence around one dependency."""

    def __init__(self, *, family: Family, defence: str, dependency: str) -> None:
        self._labels = {"family": family, "defence": defence, "dependency": dependency}
        self._attribute = f"defence.{defence}.decision"
        self._dependency = dependency
        self._resource = f"{defence}:{dependency}"
        self._counts: dict[str, Count] = {}
        self._gauges: dict[Gauge, str] = {}
        self._removed = False

    def decided(self, decision: str, **detail: float | str) -> None:
        """Count the decision and put it on the current span, if that is recorded."""
        count = self._counts.get(decision)
        if count is None:
            count = self._counts[decision] = metrics.DEFENCE_DECISIONS.series(decision=decision, **self._labels)
        count.value += 1
        span = recorded_span()
        if span is not None and span.is_recording():
            span.set_attribute(self._attribute, decision)
            for name, value in detail.items():
                span.set_attribute(f"defence.{self._labels['defence']}.{name}", value)

    def breaker_state(self, state: int) -> None:
        """Set the gauge that draws the breaker's timeline."""
        if not self._removed:
            self._gauge(metrics.BREAKER_STATE, self._dependency).set(state)

    def concurrency(self, *, limit: int, in_use: Callable[[], int]) -> None:
        """Set the gauges of a limiter; `in_use` is asked at each scrape, which is cheaper than telling each change."""
        self._gauge(metrics.CONCURRENCY_LIMIT, self._resource).set(limit)
        self._gauge(metrics.CONCURRENCY_IN_USE, self._resource).set_function(in_use)

    def removed(self) -> None:
        """Take the gauges away, for good: calls that are under way may still tell something."""
        self._removed = True
        for gauge, label in self._gauges.items():
            gauge.remove(label)

    def _gauge(self, gauge: Gauge, label: str) -> Gauge:
        self._gauges[gauge] = label
        return gauge.labels(label)
