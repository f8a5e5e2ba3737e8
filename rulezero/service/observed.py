"""The outermost ASGI layer: duration, status, span, and whether the caller was still there at the end."""

from opentelemetry.trace import Span, StatusCode
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rulezero.request_context import now_s
from rulezero.service.answers import header
from rulezero.service.caller import Caller
from rulezero.telemetry import metrics
from rulezero.telemetry.tracing import continued, exemplar, parse_traceparent

CALLER_LEFT = "rulezero.caller_left"  # In the scope of a request whose caller did not wait for its answer.
CLIENT_CLOSED_REQUEST = 499  # nginx's status for a request that nobody waits to be answered.
_UNMATCHED = "unmatched"


class ObservedLayer:
    """A pure ASGI layer, because `BaseHTTPMiddleware` breaks the context that traces live in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Children by label values, because finding one costs as much as observing.
        self._served: dict[tuple[str, str, int], Histogram] = {}
        # Made at zero, so that a rate over the first request is right.
        self._started = {method: metrics.SERVER_STARTED.labels(method) for method in ("GET", "POST")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and record it; other scopes pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start_s, example = 0, now_s(), None

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if Caller(receive).has_left():
                    scope[CALLER_LEFT] = True
                    metrics.WORK_ABANDONED.labels(reason="client_gone").inc()
            await send(message)

        parent = parse_traceparent(header(scope, b"traceparent") or "")
        metrics.SERVER_ACTIVE.inc()
        self._start(scope["method"]).inc()
        try:
            with continued(parent, scope["method"]) as span:
                try:
                    await self._app(scope, receive, observed_send)
                finally:
                    status = status or (CLIENT_CLOSED_REQUEST if CALLER_LEFT in scope else 500)
                    if span.is_recording():
                        _describe(span, scope, status)
                        example = exemplar()
        finally:
            metrics.SERVER_ACTIVE.dec()
            self._duration(scope["method"], _route(scope), status).observe(now_s() - start_s, example)

    def _start(self, method: str) -> Counter:
        return self._started.get(method) or metrics.SERVER_STARTED.labels(method)

    def _duration(self, method: str, route: str, status: int) -> Histogram:
        key = (method, route, status)
        child = self._served.get(key)
        if child is None:
            child = self._served[key] = metrics.SERVER_DURATION.labels(method, route, str(status))
        return child


def _describe(span: Span, scope: Scope, status: int) -> None:
    """Put on the span what is known only now."""
    route = _route(scope)
    span.update_name(f"{scope['method']} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def _route(scope: Scope) -> str:
    """Return the pattern of the matched route: a raw path would make a series of each item."""
    route = scope.get("route")
    return getattr(route, "path", _UNMATCHED)
