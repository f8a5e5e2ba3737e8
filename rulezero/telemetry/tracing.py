"""Spans: few, sampled by the load generator, exported as OTLP over HTTP from a thread of their own.

The decision to sample is asked first, because an unsampled span should cost next to nothing.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

_SAMPLED = 0x01
# W3C Trace Context, level 1; the version "ff" is forbidden.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_QUEUE_MAX = 8192

# The span that takes attributes, beside OpenTelemetry's own context: every decision of a defence asks for it, and there
# is nearly always none.
_recorded: ContextVar[Span | None] = ContextVar("recorded", default=None)


def start_tracing(*, service: str, instance: str, endpoint: str | None) -> TracerProvider | None:
    """Export this process's spans to an OTLP/HTTP endpoint ("http://host:port"); None exports nothing.

    Call it after a fork: the exporter has a thread.
    """
    if endpoint is None:
        return None
    resource = Resource.create({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=2)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_QUEUE_MAX, schedule_delay_millis=1000))
    trace.set_tracer_provider(provider)
    return provider


def parse_traceparent(text: str) -> SpanContext | None:
    """Return the remote span that a W3C `traceparent` header names, or None when it names none."""
    found = _TRACEPARENT.fullmatch(text)
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    if not trace_id or not span_id:
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags), trace_state=TraceState())


def current_traceparent() -> str | None:
    """Return the header that continues the current trace, or None outside of one."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def recorded_span() -> Span | None:
    """Return the current span if this trace is sampled; it may have ended, for those who go on after it."""
    return _recorded.get()


def exemplar() -> dict[str, str] | None:
    """Return the current trace as the example of a histogram's bucket; None unless the trace is sampled."""
    span = _recorded.get()
    return None if span is None else {"trace_id": f"{span.get_span_context().trace_id:032x}"}


@contextmanager
def continued(parent: SpanContext | None, name: str, kind: SpanKind = SpanKind.SERVER) -> Iterator[Span]:
    """Serve a request, or a message, within its sender's trace; unless that is sampled it is only passed on."""
    if parent is None:
        yield trace.INVALID_SPAN
        return
    remote = trace.set_span_in_context(NonRecordingSpan(parent))
    if parent.trace_flags & _SAMPLED:
        with _current(_tracer().start_span(name, remote, kind)) as span:
            yield span
        return
    token, outer = otel_context.attach(remote), _recorded.set(None)
    try:
        yield trace.INVALID_SPAN
    finally:
        _recorded.reset(outer)
        otel_context.detach(token)


@contextmanager
def client_span(name: str, attributes: Mapping[str, str | int], kind: SpanKind = SpanKind.CLIENT) -> Iterator[Span]:
    """Record one attempt to a dependency, if the current trace is sampled."""
    if (current := recorded_span()) is None or not current.is_recording():
        yield trace.INVALID_SPAN
        return
    with _current(_tracer().start_span(name, kind=kind, attributes=dict(attributes))) as span:
        yield span


@contextmanager
def _current(span: Span) -> Iterator[Span]:
    """Make a span the current one until it ends; one left by an exception has failed. No stack trace is recorded."""
    token, outer = otel_context.attach(trace.set_span_in_context(span)), _recorded.set(span)
    try:
        yield span
    except Exception as error:
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        raise
    finally:
        span.end()
        _recorded.reset(outer)
        otel_context.detach(token)


@cache  # Making one costs as much as a span.
def _tracer() -> trace.Tracer:
    return trace.get_tracer("rulezero")
