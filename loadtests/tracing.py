"""The root of every trace: ids for all requests, a CLIENT span for the sampled ones."""

from dataclasses import dataclass
from random import Random

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from rulezero.outcome import Outcome
from rulezero.telemetry.tracing import start_tracing


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """The root of one trace: the header that continues it, its id, and its span if it is recorded."""

    parent: str
    trace_id: str
    span: Span | None = None

    def end(self, *, status: int, outcome: Outcome) -> None:
        """End the span with what became of the request; status 0 is no answer."""
        if self.span is None:
            return
        if status:
            self.span.set_attribute("http.response.status_code", status)
        if outcome is not Outcome.OK:
            self.span.set_attribute("error.type", outcome.value)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()


class Traces:
    """Makes `traceparent` headers (W3C Trace Context); sends sampled spans to the endpoint, if there is one."""

    def __init__(self, *, endpoint: str | None, instance: str, random: Random) -> None:
        self._provider: TracerProvider | None = start_tracing(service="locust", instance=instance, endpoint=endpoint)
        self._tracer = self._provider.get_tracer("rulezero") if self._provider else None
        self._random = random

    def begin(self, name: str, method: str, *, sampled: bool) -> Trace:
        """Start a trace. Without an endpoint a sampled one has no span of ours, but the services record theirs."""
        if not sampled or self._tracer is None:
            trace_id, span_id = f"{self._random.getrandbits(128):032x}", f"{self._random.getrandbits(64):016x}"
            return Trace(parent=f"00-{trace_id}-{span_id}-{int(sampled):02x}", trace_id=trace_id)
        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes={"http.request.method": method, "http.route": name}
        )
        context = span.get_span_context()
        trace_id = f"{context.trace_id:032x}"
        return Trace(parent=f"00-{trace_id}-{context.span_id:016x}-01", trace_id=trace_id, span=span)

    def close(self) -> None:
        """Export what is left; the exporter's own timeout bounds it."""
        if self._provider is not None:
            self._provider.shutdown()
