"""One attempt on a link: counted when it starts, and by outcome when it ends."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from rulezero.calls import Operation
from rulezero.outcome import Outcome, outcome_of
from rulezero.telemetry import metrics, tracing


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
    def attempt(self, operation: Operation) -> Iterator[None]:
        """Count, time and trace the attempt made inside; exceptions pass through."""
        self._started(operation).inc()
        clock = asyncio.get_running_loop().time
        start_s, outcome = clock(), Outcome.OK
        attributes: dict[str, str | int] = {"server.address": self._dependency, "rulezero.link": self.name}
        if operation.attempt > 1:
            attributes["http.request.resend_count"] = operation.attempt - 1
        if operation.hedge:
            attributes["rulezero.hedge"] = True
        with tracing.client_span(operation.name, attributes) as span:
            try:
                yield
            except BaseException as error:
                outcome = outcome_of(error)
                span.set_attribute("error.type", outcome)
                raise
            finally:
                self._outcomes[outcome].inc()
                self._durations[outcome].observe(clock() - start_s)

    def _started(self, operation: Operation) -> Counter:
        if operation.hedge:
            return self._hedge
        return self._first if operation.attempt == 1 else self._retry
