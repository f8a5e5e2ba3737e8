from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from rulezero.experiment import Stream
from tests.loadtests.runs import plan, run_plan
from tests.loadtests.server import stallable_server


@pytest.mark.wall_clock
async def test_each_sampled_request_is_the_root_of_its_trace(tmp_path: Path) -> None:
    """Half of the requests are traced: exactly those have a CLIENT span, with the ids that went over the wire.

    Deadline and operation id go over the wire as well, and the row has the same ids.
    """
    async with stallable_server() as server, stallable_server() as sink:
        server.answers = {"/checkout": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"}
        streams = (
            Stream(route="browse", rate_rps=50, deadline_s=0.7),
            Stream(route="checkout", rate_rps=20, deadline_s=0.7),
        )
        rows, _ = await run_plan(plan(tmp_path, server.url, *streams, otlp_endpoint=sink.url))
        heads = [dict(line.split(": ") for line in head.splitlines()[1:] if line) for head in server.heads]
    assert {head["X-Operation-Id"] for head in heads} == {row.operation_id for row in rows}
    assert {head["traceparent"].split("-")[1] for head in heads} == {row.trace_id for row in rows}
    assert all(0 < int(head["X-Deadline-Ms"]) <= 700 for head in heads)
    assert all(head.startswith(("POST /checkout ", "GET /browse/1 ")) for head in server.heads)
    exports = [
        resource for body in sink.bodies for resource in ExportTraceServiceRequest.FromString(body).resource_spans
    ]
    spans = [span for resource in exports for scope in resource.scope_spans for span in scope.spans]
    names = {
        pair.value.string_value for item in exports for pair in item.resource.attributes if pair.key == "service.name"
    }
    assert names == {"locust"}
    sent = {f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for span in spans}
    assert sent == {head["traceparent"] for head in heads if head["traceparent"].endswith("-01")}
    assert 0.3 * len(rows) < len(spans) < 0.7 * len(rows)
    assert {span.trace_id.hex() for span in spans} <= {row.trace_id for row in rows}
    assert all(span.kind == Span.SPAN_KIND_CLIENT and not span.parent_span_id for span in spans)
    failed = {span.name for span in spans if any(attribute.key == "error.type" for attribute in span.attributes)}
    assert failed == {"checkout"}
