"""CPU per request of the suite's ASGI layer beside opentelemetry-instrumentation-asgi, at three rates of sampling.

The same app answers the same requests in one process, and the same exporter of the SDK sends to a sink in another. What
the exporter's thread costs is counted: every round ends with all its spans sent. The contrib layer is measured as it
comes, with a span for each ASGI message, and without those; ours counts and times requests as well, contrib here not.
"""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import uvloop
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rulezero.service.observed import ObservedLayer
from rulezero.telemetry.tracing import start_tracing

SHARES = (0.01, 0.1, 1.0)
REQUESTS = 2000
ROUNDS = 9


class _Route:
    path = "/items/{item:int}"


async def _app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the names are ASGI's.
    """Answer as a routed handler does: the route is known, and something is awaited."""
    scope["route"] = _Route
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"item": 1}'})


def measure() -> dict[str, Any]:
    """Return microseconds added per request, and our share of contrib's: as it comes, and with one span."""
    with _sink() as endpoint:
        provider = start_tracing(service="bench", instance="bench", endpoint=endpoint)
        if provider is None:
            raise RuntimeError("tracing did not start")
        try:
            added = uvloop.run(_added_us(provider))
        finally:
            provider.shutdown()
    return {
        f"{share:.0%} sampled": {
            "contrib_us": round(added["contrib", share], 1),
            "contrib_one_span_us": round(added["contrib_one_span", share], 1),
            "rulezero_us": round(added["rulezero", share], 1),
            "ratio": round(added["rulezero", share] / added["contrib", share], 2),
            "ratio_one_span": round(added["rulezero", share] / added["contrib_one_span", share], 2),
        }
        for share in SHARES
    }


async def _added_us(provider: TracerProvider) -> dict[tuple[str, float], float]:
    apps: dict[str, ASGIApp] = {
        "bare": _app,
        "rulezero": ObservedLayer(_app),
        "contrib": OpenTelemetryMiddleware(_app, tracer_provider=provider),
        "contrib_one_span": OpenTelemetryMiddleware(_app, tracer_provider=provider, exclude_spans=["receive", "send"]),
    }
    added: dict[tuple[str, float], list[float]] = {}
    for _ in range(ROUNDS):
        for share in SHARES:
            spent_us = {name: await _request_us(app, share, provider) for name, app in apps.items()}
            for name in apps.keys() - {"bare"}:
                added.setdefault((name, share), []).append(spent_us[name] - spent_us["bare"])
    return {key: median(found) for key, found in added.items()}


async def _request_us(app: ASGIApp, share: float, provider: TracerProvider) -> float:
    gc.collect()
    start_s = time.process_time()
    for number in range(REQUESTS):
        await _ask(app, number, sampled=number * share % 1 < share)
    provider.force_flush()
    return (time.process_time() - start_s) / REQUESTS * 1e6


async def _ask(app: ASGIApp, number: int, *, sampled: bool) -> None:
    """Ask as a server does: `receive` gives the empty body, then waits for the client to leave."""
    body: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if body:
            return body.pop()
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        """Take it."""

    await app(_scope(number, sampled=sampled), receive, send)


def _scope(number: int, *, sampled: bool) -> Scope:
    traceparent = f"00-{number + 1:032x}-{number + 1:016x}-{sampled:02x}"
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/items/1", "raw_path": b"/items/1", "query_string": b"", "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1:8000"), (b"accept", b"*/*"), (b"user-agent", b"bench"),
            (b"traceparent", traceparent.encode()),
        ],
        "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip


@contextmanager
def _sink() -> Iterator[str]:
    """Run the receiver of spans in a process of its own and give its address."""
    command = [sys.executable, "-m", "benchmarks.sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()
