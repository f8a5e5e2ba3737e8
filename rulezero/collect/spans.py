"""Receives spans as OTLP over HTTP and appends them as JSON lines."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import orjson
from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from rulezero.errors import StorageProblem

_BODY_BYTES_MAX = 16_000_000
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUS = ("unset", "ok", "error")


class SpanReceiver:
    """An OTLP/HTTP endpoint on a free port of `host`; `pass_on` gets every request of spans besides."""

    def __init__(self, host: str = "127.0.0.1", *, pass_on: Callable[[bytes], None] | None = None) -> None:
        self._host = host
        self._pass_on = pass_on
        self._file: TextIO | None = None
        self._zero_unix_s = 0.0
        self._runner: web.AppRunner | None = None
        self.endpoint = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_BODY_BYTES_MAX)
        app.router.add_post("/v1/traces", self._traces)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.endpoint = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end_arm()
        finally:
            if self._runner is not None:
                await self._runner.cleanup()

    def begin_arm(self, path: Path, *, zero_s: float, now_s: float) -> None:
        """Write the spans from now on to this file; `zero_s` is time 0 on the clock that says `now_s`."""
        self.end_arm()
        # Spans carry wall-clock instants; they are moved to the run's own time once, here.
        self._zero_unix_s = time.time() - (now_s - zero_s)
        self._file = path.open("w", encoding="utf-8")

    def end_arm(self) -> None:
        """Close the current file.

        Raises:
            StorageProblem: Its last spans could not be written.

        """
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                told = f"{file.name}: {error.strerror}; free some space or choose another --out"
                raise StorageProblem(told) from None

    async def _traces(self, request: web.Request) -> web.Response:
        body = await request.read()
        message = ExportTraceServiceRequest()
        try:
            message.ParseFromString(body)
        except DecodeError:
            return web.Response(status=400, text="not an OTLP trace request")
        if self._pass_on is not None:
            self._pass_on(body)
        if self._file is not None:
            for span in _spans(message, self._zero_unix_s):
                self._file.write(orjson.dumps(span).decode() + "\n")
            self._file.flush()
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )


def _spans(message: ExportTraceServiceRequest, zero_unix_s: float) -> Iterator[dict[str, Any]]:
    for resource_spans in message.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield {
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_id": span.parent_span_id.hex(),
                    "service": str(resource.get("service.name", "")),
                    "name": span.name,
                    "kind": _KINDS[span.kind],
                    "start_s": span.start_time_unix_nano / 1e9 - zero_unix_s,
                    "duration_ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                    "status": _STATUS[span.status.code],
                    "attributes": orjson.dumps(_attributes(span.attributes), default=str).decode(),
                }


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}
