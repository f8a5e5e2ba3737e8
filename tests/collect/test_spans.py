"""Span receiver: what the OpenTelemetry SDK exports lands as rows on the run's own clock."""

import asyncio
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span
from opentelemetry.util.types import AttributeValue

from rulezero.collect.spans import SpanReceiver
from rulezero.errors import StorageProblem


def export(endpoint: str, compression: Compression = Compression.NoCompression) -> tuple[str, str]:
    """Export a server span with a failing client span inside; return the ids of trace and outer span."""
    provider = TracerProvider(resource=Resource.create({"service.name": "edge"}))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", compression=compression))
    )
    tracer = provider.get_tracer("test")
    attributes: Mapping[str, AttributeValue] = {
        "defence.retry.decision": "retried",
        "attempt": 2,
        "waits": [0.1, 0.2],
        "sampled": True,
    }
    with tracer.start_as_current_span("GET /browse", kind=SpanKind.SERVER) as outer:
        context = get_current_span().get_span_context()
        with tracer.start_as_current_span("call", kind=SpanKind.CLIENT, attributes=attributes) as inner:
            inner.set_status(Status(StatusCode.ERROR))
        outer.set_status(Status(StatusCode.OK))
    provider.shutdown()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def read(path: Path) -> dict[str, dict[str, Any]]:
    return {span["name"]: span for span in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


@pytest.mark.wall_clock
@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
async def test_an_export_becomes_rows(tmp_path: Path, compression: Compression) -> None:
    """Ids, parent, service, kind, status and attributes; `start_s` counts from the zero of the arm."""
    path = tmp_path / "spans.jsonl"
    now_s = asyncio.get_running_loop().time()
    async with SpanReceiver() as receiver:
        receiver.begin_arm(path, zero_s=now_s - 100, now_s=now_s)
        trace_id, outer_id = await asyncio.to_thread(export, receiver.endpoint, compression)
    spans = read(path)
    outer, inner = spans["GET /browse"], spans["call"]
    assert len(spans) == 2
    assert {outer["trace_id"], inner["trace_id"]} == {trace_id}
    assert (outer["span_id"], outer["parent_id"], inner["parent_id"]) == (outer_id, "", outer_id)
    assert (outer["service"], outer["kind"], outer["status"]) == ("edge", "server", "ok")
    assert (inner["kind"], inner["status"]) == ("client", "error")
    assert 99 < outer["start_s"] <= inner["start_s"] < 160
    assert 0 <= inner["duration_ms"] <= outer["duration_ms"] < 60_000
    attributes = json.loads(inner["attributes"])
    assert attributes["defence.retry.decision"] == "retried"
    assert (attributes["attempt"], attributes["sampled"]) == (2, True)


@pytest.mark.wall_clock
async def test_garbage_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    """A body that is no OTLP answers 400; the next export is still taken."""
    path = tmp_path / "spans.jsonl"
    async with SpanReceiver() as receiver, aiohttp.ClientSession() as session:
        receiver.begin_arm(path, zero_s=0.0, now_s=0.0)
        async with session.post(f"{receiver.endpoint}/v1/traces", data=b"\xff\xffgarbage") as response:
            assert response.status == 400
        async with session.post(f"{receiver.endpoint}/v1/traces", data=BytesIO(bytes(16_000_001))) as response:
            assert response.status == 413
        await asyncio.to_thread(export, receiver.endpoint)
    assert len(read(path)) == 2


@pytest.mark.wall_clock
async def test_spans_between_two_arms_belong_to_none(tmp_path: Path) -> None:
    """Each arm's file has the spans that arrived in its time; what comes in between is answered and dropped."""
    async with SpanReceiver() as receiver:
        receiver.begin_arm(tmp_path / "first.jsonl", zero_s=0.0, now_s=0.0)
        await asyncio.to_thread(export, receiver.endpoint)
        receiver.end_arm()
        await asyncio.to_thread(export, receiver.endpoint)
        receiver.begin_arm(tmp_path / "second.jsonl", zero_s=0.0, now_s=0.0)
        await asyncio.to_thread(export, receiver.endpoint)
    assert [len(read(tmp_path / f"{name}.jsonl")) for name in ("first", "second")] == [2, 2]


@pytest.mark.wall_clock
async def test_the_port_is_free_again_even_when_the_disk_is_full() -> None:
    """The last flush fails with one line, and the server is closed all the same."""
    receiver = SpanReceiver()

    async def receive() -> None:
        async with receiver:
            receiver.begin_arm(Path("/dev/full"), zero_s=0.0, now_s=0.0)
            assert receiver._file is not None
            receiver._file.write("x")

    with pytest.raises(StorageProblem, match=r"/dev/full: No space left on device"):
        await receive()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(f"{receiver.endpoint}/v1/traces", data=b"")
