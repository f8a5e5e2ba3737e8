"""Answers of the layers themselves: small JSON bodies with the outcome in a header."""

import orjson
from starlette.types import Scope, Send

from rulezero.defences.deadline import DeadlineExceeded, DeadlineTimedOut
from rulezero.outcome import CallError, Outcome
from rulezero.request_context import DEADLINE_PASSED_HEADER, OUTCOME_HEADER

# What a caller is told when one of our own calls, or a layer, did not end well. not_sent becomes rejected on the
# wire: for the caller it was this service that said no.
STATUS = {
    Outcome.ERROR: (502, Outcome.ERROR),
    Outcome.TIMEOUT: (504, Outcome.TIMEOUT),
    Outcome.REJECTED: (503, Outcome.REJECTED),
    Outcome.NOT_SENT: (503, Outcome.REJECTED),
    Outcome.CANCELLED: (504, Outcome.TIMEOUT),
}


def failure_of(error: CallError) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body for a call that did not end well."""
    status, told = STATUS[error.outcome]
    headers = {OUTCOME_HEADER: str(told)}
    if isinstance(error, DeadlineExceeded | DeadlineTimedOut):
        headers[DEADLINE_PASSED_HEADER] = "true"
    return status, headers, orjson.dumps({"error": str(error)})


async def answer_failure(send: Send, error: CallError) -> None:
    """Send a whole response for a call that did not end well."""
    status, headers, body = failure_of(error)
    await _answer(send, status, headers, body)


async def answer_outcome(send: Send, outcome: Outcome, message: str) -> None:
    """Send a whole response that stands for an outcome other than ok."""
    status, told = STATUS[outcome]
    await _answer(send, status, {OUTCOME_HEADER: str(told)}, orjson.dumps({"error": message}))


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    lines = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    pairs = [(name.lower().encode(), value.encode()) for name, value in lines.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request header by its lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None
