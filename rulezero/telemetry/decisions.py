"""What a defence decided, as a counter and as an attribute of the current span."""

from opentelemetry import trace
from prometheus_client import Counter

from rulezero.defences.context import Family
from rulezero.telemetry import metrics


class Decisions:
    """The teller of one defence around one dependency.

    Label children are cached, because looking one up costs more than counting.
    """

    def __init__(self, *, family: Family, defence: str, dependency: str) -> None:
        self._labels = {"family": family, "defence": defence, "dependency": dependency}
        self._attribute = f"defence.{defence}.decision"
        self._dependency = dependency
        self._resource = f"{defence}:{dependency}"
        self._counters: dict[str, Counter] = {}

    def decided(self, decision: str, **detail: float | str) -> None:
        """Count the decision and put it on the current span, if that is recorded."""
        counter = self._counters.get(decision)
        if counter is None:
            counter = metrics.DEFENCE_DECISIONS.labels(decision=decision, **self._labels)
            self._counters[decision] = counter
        counter.inc()
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attribute(self._attribute, decision)
            for name, value in detail.items():
                span.set_attribute(f"defence.{self._labels['defence']}.{name}", value)

    def breaker_state(self, state: int) -> None:
        """Set the gauge that draws the breaker's timeline."""
        metrics.BREAKER_STATE.labels(dependency=self._dependency).set(state)

    def concurrency(self, *, limit: int, in_use: int) -> None:
        """Set the gauges of a limiter."""
        metrics.CONCURRENCY_LIMIT.labels(resource=self._resource).set(limit)
        metrics.CONCURRENCY_IN_USE.labels(resource=self._resource).set(in_use)
