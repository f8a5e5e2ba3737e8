"""Handlers return plain data; a call that did not end well becomes an answer that says its outcome."""

from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.outcome import CallError
from rulezero.service.answers import failure_of

BODY_BYTES_MAX = 10_000
TEXT_CHARACTERS_MAX = 100
INTEGER_MAX = 2**31 - 1  # What PostgreSQL's integer holds.


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


async def json_body(request: Request, **kinds: type[int] | type[str]) -> dict[str, Any] | Response:
    """Return the JSON object of a request, or the 400 that says what it lacks; whole numbers fit the database's."""
    try:
        body = orjson.loads(await _bytes(request))
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or not all(_fits(body.get(name), kind) for name, kind in kinds.items()):
        lacking = ", ".join(f"{name} ({kind.__name__})" for name, kind in kinds.items())
        return answer({"error": f"the body must be a JSON object with {lacking}"}, 400)
    return body


async def _bytes(request: Request) -> bytes:
    """Return the body, or as much as is enough to refuse it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return b""
    return body


def _fits(value: object, kind: type[int] | type[str]) -> bool:
    if kind is str:
        return isinstance(value, str) and len(value) <= TEXT_CHARACTERS_MAX and "\0" not in value
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= INTEGER_MAX


def routes(*listed: Route) -> Starlette:
    """Return an app with these routes in which a failed call is answered by its outcome."""
    return Starlette(routes=list(listed), exception_handlers={CallError: call_failed})
