"""Handlers return plain data; a call that did not end well becomes an answer that says its outcome."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.outcome import CallError
from rulezero.service.answers import failure_of

Handler = Callable[[Request], Awaitable[Response]]


def answer(body: Any, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def answer_raw(body: bytes, status: int = 200) -> Response:
    """Return a JSON response whose body is encoded already."""
    return Response(body, status_code=status, media_type="application/json")


async def call_failed(_: Request, error: Exception) -> Response:
    """Turn a call's error into a response."""
    if not isinstance(error, CallError):
        raise error
    status, headers, body = failure_of(error)
    return Response(body, status_code=status, headers=headers, media_type="application/json")


async def json_body(request: Request, *names: str) -> dict[str, Any] | Response:
    """Return the JSON object of a request, or the 400 that says what it lacks."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or any(name not in body for name in names):
        return answer({"error": f"the body must be a JSON object with {', '.join(names)}"}, 400)
    return body


def routes(*listed: Route) -> Starlette:
    """Return an app with these routes in which a failed call is answered by its outcome."""
    return Starlette(routes=list(listed), exception_handlers={CallError: call_failed})
