from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from rulezero.telemetry import tracing
from rulezero.telemetry.tracing import client_span, continued, current_traceparent, parse_traceparent, start_tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_traceparent_is_read_and_written_alike(flags: str) -> None:
    """Trace, span and flags."""
    text = f"00-{TRACE}-{SPAN}-{flags}"
    span = parse_traceparent(text)
    assert span is not None
    assert span.is_remote
    with continued(span, "x") if flags == "00" else trace.use_span(trace.NonRecordingSpan(span)):
        assert current_traceparent() == text
    assert current_traceparent() is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "00---",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"ff-{TRACE}-{SPAN}-01",
        f"x-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-0x{TRACE[2:]}-{SPAN}-01",
        f"00-{TRACE[:15]}_{TRACE[16:]}-{SPAN}-01",
        f"00-+{TRACE[1:]}-{SPAN}-01",
        f"00- {TRACE[1:]}-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-0\uff11",
        "-" * 100_000,
    ],
)
def test_what_names_no_span_is_none(text: str) -> None:
    """Python's own idea of a hexadecimal number is wider than the standard's."""
    assert parse_traceparent(text) is None


def test_an_attempt_is_a_span_only_within_a_sampled_trace(spans: InMemorySpanExporter) -> None:
    """With a failed one marked as such, and no stack trace in it."""
    with client_span("GET /", {}):
        pass
    with continued(parse_traceparent(f"00-{TRACE}-{SPAN}-00"), "server"), client_span("GET /", {}):
        assert current_traceparent() == f"00-{TRACE}-{SPAN}-00"
    assert spans.get_finished_spans() == ()
    with (
        continued(parse_traceparent(f"00-{TRACE}-{SPAN}-01"), "server"),
        pytest.raises(ZeroDivisionError),
        client_span("GET /", {"http.request.resend_count": 1}),
    ):
        raise ZeroDivisionError
    client, server = spans.get_finished_spans()
    assert (client.name, client.kind, dict(client.attributes or {})) == (
        "GET /",
        trace.SpanKind.CLIENT,
        {"http.request.resend_count": 1},
    )
    assert client.parent == server.get_span_context()
    assert not client.status.is_ok
    assert client.events == ()


def test_without_an_endpoint_nothing_is_exported() -> None:
    """And no thread is started."""
    assert start_tracing(service="edge", instance="edge", endpoint=None) is None


def test_a_message_is_published_and_processed(spans: InMemorySpanExporter) -> None:
    """Spans of these kinds, so that whoever draws them knows that nobody waited."""
    with (
        continued(parse_traceparent(f"00-{TRACE}-{SPAN}-01"), "serve"),
        client_span("publish", {}, SpanKind.PRODUCER),
    ):
        published = current_traceparent()
    assert published is not None
    with continued(parse_traceparent(published), "process", SpanKind.CONSUMER):
        pass
    kinds = {span.name: span.kind for span in spans.get_finished_spans()}
    assert kinds == {"serve": SpanKind.SERVER, "publish": SpanKind.PRODUCER, "process": SpanKind.CONSUMER}
