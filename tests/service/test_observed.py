import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rulezero.service.observed import ObservedLayer
from rulezero.telemetry import metrics, tracing
from rulezero.telemetry.tracing import current_traceparent
from services.handlers import routes
from tests.counters import Change
from tests.defences.fakes import settle
from tests.service.asgi import Client, ask, scope_of

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Collects what would be exported."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


async def _item(request: Request) -> Response:
    await asyncio.sleep(1)
    return Response(current_traceparent() or "none", status_code=int(request.query_params.get("status", 200)))


async def _broken(_: Request) -> Response:
    raise ZeroDivisionError


APP = ObservedLayer(routes(Route("/items/{item:int}", _item), Route("/broken", _broken)))


def served(route: str, status: int, method: str = "GET") -> Change:
    return Change(
        "http_server_request_duration_seconds_count",
        http_request_method=method,
        http_route=route,
        http_response_status_code=str(status),
    )


async def test_the_route_is_told_by_its_pattern() -> None:
    """A raw path would make a series of every item."""
    count = served("/items/{item:int}", 200)
    for number in range(3):
        await ask(APP, "GET", f"/items/{number}")
    assert count() == 3


async def test_a_request_is_counted_when_it_comes_in() -> None:
    """So that what is asked shows while nothing ends; before any has come the count is 0."""
    began = Change("http_server_requests_started_total", http_request_method="GET")
    ended = served("/items/{item:int}", 200)
    asked = asyncio.gather(*(ask(APP, "GET", "/items/1") for _ in range(5)))
    await settle()
    assert (began(), ended()) == (5, 0)
    await asked
    assert (began(), ended()) == (5, 5)
    assert REGISTRY.get_sample_value("http_server_requests_started_total", {"http_request_method": "POST"}) is not None


async def test_the_duration_is_that_of_the_whole_request() -> None:
    """And one being served is counted as active."""
    labels = {"http_request_method": "GET", "http_route": "/items/{item:int}", "http_response_status_code": "503"}
    total_s = Change("http_server_request_duration_seconds_sum", **labels)
    active = Change("http_server_active_requests")
    asked = asyncio.gather(*(ask(APP, "GET", "/items/1?status=503") for _ in range(4)))
    await settle()
    assert active() == 4
    await asked
    assert (total_s(), active()) == (4, 0)


async def test_paths_that_match_no_route_are_one_series() -> None:
    """However many a scanner tries."""
    count = served("unmatched", 404)
    for path in ("/", "/items/x", "/wp-login.php", "/items/1/2"):
        assert (await ask(APP, "GET", path)).status == 404
    assert count() == 4


async def test_an_exception_is_a_500_and_passes_on() -> None:
    """The server logs it."""
    count, active = served("/broken", 500), Change("http_server_active_requests")
    with pytest.raises(ZeroDivisionError):
        await ask(APP, "GET", "/broken")
    assert (count(), active()) == (1, 0)


async def test_other_scopes_pass_through() -> None:
    """They have neither method nor status."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        seen.append(scope["type"])

    client = Client()
    await ObservedLayer(app)({"type": "lifespan"}, client.receive, client.send)
    assert seen == ["lifespan"]


@pytest.mark.parametrize("chunks", [[b""], [b"body"]])
@pytest.mark.parametrize("read", [True, False])
async def test_an_answer_to_a_client_that_has_left_is_counted(chunks: list[bytes], *, read: bool) -> None:
    """Whether or not the app has read the body, and only then."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        if read:
            await receive()
        await asyncio.sleep(1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    gone = Change("work_abandoned_total", reason="client_gone")
    for leaves in (False, True):
        client = Client(chunks)
        task = asyncio.create_task(ObservedLayer(app)(scope_of("POST", "/"), client.receive, client.send))
        await asyncio.sleep(0.5)
        if leaves:
            client.leave()
        await task
        assert gone() == leaves
        assert client.answer.body == b"x"


async def test_looking_for_the_client_does_not_disturb_an_app_that_waits_for_it() -> None:
    """An app may listen for the disconnection itself while it answers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
        await receive()
        listening = asyncio.ensure_future(receive())
        await settle()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await listening)["type"] == "http.disconnect"

    client = Client()
    task = asyncio.create_task(ObservedLayer(app)(scope_of("GET", "/"), client.receive, client.send))
    await asyncio.sleep(1)
    assert not task.done()
    client.leave()
    await task


async def test_a_sampled_request_is_a_span_in_its_caller_s_trace(spans: InMemorySpanExporter) -> None:
    """Named by method and pattern; what it calls continues from it."""
    answer = await ask(APP, "GET", "/items/7?status=503", headers={"traceparent": SAMPLED})
    (span,) = spans.get_finished_spans()
    assert span.name == "GET /items/{item:int}"
    assert span.kind is trace.SpanKind.SERVER
    assert span.parent is not None
    assert span.parent.span_id == 0xB7AD6B7169203331
    context = span.get_span_context()
    assert context is not None
    assert answer.body.decode() == f"00-0af7651916cd43dd8448eb211c80319c-{context.span_id:016x}-01"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 503
    assert not span.status.is_ok


async def test_a_sampled_request_is_an_example_of_its_bucket(spans: InMemorySpanExporter) -> None:
    """The others are none: their traces are nowhere."""
    for header in (SAMPLED, UNSAMPLED):
        await ask(APP, "GET", "/items/7?status=418", headers={"traceparent": header})
    children: dict[Any, Any] = metrics.SERVER_DURATION._metrics
    (child,) = (one for labels, one in children.items() if labels[2] == "418")
    examples = [bucket.get_exemplar() for bucket in child._buckets]
    assert [one.labels for one in examples if one] == [{"trace_id": "0af7651916cd43dd8448eb211c80319c"}]
    assert len(spans.get_finished_spans()) == 1


async def test_an_unsampled_request_is_no_span_but_its_trace_goes_on(spans: InMemorySpanExporter) -> None:
    """The header is passed on as it came, so that nobody behind samples either."""
    answer = await ask(APP, "GET", "/items/7", headers={"traceparent": UNSAMPLED})
    assert answer.body.decode() == UNSAMPLED
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize("text", [None, "", "garbage", "00-0-0-01", SAMPLED + "-x", SAMPLED.replace("00-", "ff-", 1)])
async def test_a_request_without_a_proper_trace_starts_none(spans: InMemorySpanExporter, text: str | None) -> None:
    """The load generator decides what is traced."""
    answer = await ask(APP, "GET", "/items/7", headers={} if text is None else {"traceparent": text})
    assert answer.body == b"none"
    assert spans.get_finished_spans() == ()


async def test_traces_of_requests_served_together_do_not_mix(spans: InMemorySpanExporter) -> None:
    """Nor is one left behind for a request that has none."""
    parents = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 20)]
    answers = await asyncio.gather(*(ask(APP, "GET", "/items/1", headers={"traceparent": one}) for one in parents))
    assert [one.body[3:35].decode() for one in answers] == [one[3:35] for one in parents]
    assert (await ask(APP, "GET", "/items/1")).body == b"none"
    assert len(spans.get_finished_spans()) == len(parents)
