"""The root of every trace: ids for all requests, a CLIENT span for the sampled ones."""

from random import Random

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from rulezero.outcome import Outcome
from rulezero.telemetry.tracing import start_tracing


class Traces:
    """Makes `traceparent` headers (W3C Trace Context). Sampled spans go to the endpoint in small batches, if there is one."""

    def __init__(self, *, endpoint: str | None, instance: str, random: Random) -> None:
        self._provider: TracerProvider | None = start_tracing(
            service="locust", instance=instance, endpoint=endpoint
        )
        self._tracer = self._provider.get_tracer("rulezero") if self._provider else None
        self._random = random

    def begin(self, name: str, method: str, *, sampled: bool) -> tuple[str, str, Span | None]:
        """Return (traceparent, trace id, span to end) of a new trace."""
        if not sampled or self._tracer is None:
            trace_id, span_id = f"{self._random.getrandbits(128):032x}", f"{self._random.getrandbits(64):016x}"
            return f"00-{trace_id}-{span_id}-{int(sampled):02x}", trace_id, None
        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes={"http.request.method": method, "http.route": name}
        )
        context = span.get_span_context()
        trace_id = f"{context.trace_id:032x}"
        return f"00-{trace_id}-{context.span_id:016x}-01", trace_id, span

    def end(self, span: Span, *, status: int, outcome: Outcome) -> None:
        """End a span with what became of its request."""
        if status:
            span.set_attribute("http.response.status_code", status)
        if outcome is not Outcome.OK:
            span.set_attribute("error.type", outcome.value)
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def close(self) -> None:
        """Export what is left; the exporter's own timeout bounds it."""
        if self._provider is not None:
            self._provider.shutdown()
