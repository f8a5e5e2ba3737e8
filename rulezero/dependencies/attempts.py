"""One attempt on a link: counted when it starts, and by outcome when it ends."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.trace import SpanKind
from prometheus_client import Counter

from rulezero.calls import Operation
from rulezero.outcome import Outcome, outcome_of
from rulezero.telemetry import metrics, tracing

_TIMER_EARLY_S = 0.001  # uvloop's timers are rounded to the millisecond.


class Link:
    """A named link to a dependency and its counters (children cached: a label lookup costs more than a count)."""

    def __init__(self, *, name: str, address: str, dependency: str) -> None:
        self.name = name
        self.address = address
        self._dependency = dependency
        self._first = metrics.ATTEMPTS.labels(dependency=dependency, link=name, attempt="first")
        self._retry = metrics.ATTEMPTS.labels(dependency=dependency, link=name, attempt="retry")
        self._hedge = metrics.ATTEMPTS.labels(dependency=dependency, link=name, attempt="hedge")
        # Made at zero, so that a rate over the first occurrence is right.
        self._outcomes = {
            outcome: metrics.OUTCOMES.labels(dependency=dependency, link=name, outcome=outcome) for outcome in Outcome
        }
        self._durations = {
            outcome: metrics.CLIENT_DURATION.labels(dependency=dependency, outcome=outcome) for outcome in Outcome
        }

    @contextmanager
    def attempt(
        self,
        operation: Operation,
        *,
        kind: SpanKind = SpanKind.CLIENT,
        attributes: Mapping[str, str | int] | None = None,
    ) -> Iterator[None]:
        """Count, time and trace the attempt made inside, these attributes on its span too; exceptions pass through."""
        self._started(operation).inc()
        clock = asyncio.get_running_loop().time
        start_s, outcome = clock(), Outcome.OK
        told: dict[str, str | int] = {"server.address": self._dependency, "rulezero.link": self.name}
        told.update(attributes or {})
        if operation.attempt > 1:
            told["http.request.resend_count"] = operation.attempt - 1
        if operation.hedge:
            told["rulezero.hedge"] = True
        with tracing.client_span(operation.name, told, kind) as span:
            try:
                yield
            except BaseException as error:
                outcome = _outcome(error, operation.deadline_s, clock())
                span.set_attribute("error.type", outcome)
                raise
            finally:
                self._outcomes[outcome].inc()
                self._durations[outcome].observe(clock() - start_s, tracing.exemplar())

    def _started(self, operation: Operation) -> Counter:
        if operation.hedge:
            return self._hedge
        return self._first if operation.attempt == 1 else self._retry


def _outcome(error: BaseException, deadline_s: float | None, now_s: float) -> Outcome:
    """Return what an attempt ended in: from here a timeout looks like a caller that left, but that its time was up."""
    if isinstance(error, asyncio.CancelledError) and deadline_s is not None and now_s >= deadline_s - _TIMER_EARLY_S:
        return Outcome.TIMEOUT
    return outcome_of(error)
