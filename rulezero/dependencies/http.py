"""Calls to another service over HTTP, through its links, inside the defences."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
import orjson

from rulezero.calls import Operation
from rulezero.defences.deadline import DeadlineTimedOut, to_header
from rulezero.dependencies.attempts import Link
from rulezero.outcome import CallError, Failed, Outcome, Rejected, TimedOut, Unreachable
from rulezero.request_context import (
    DEADLINE_HEADER,
    DEADLINE_PASSED_HEADER,
    OUTCOME_HEADER,
    current_deadline_s,
    now_s,
)
from rulezero.telemetry.tracing import current_traceparent
from rulezero.toggles.stacks import Stack

_BODY_BYTES_MAX = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpReply:
    """An answer that is not a failure: any status below 500 but 429."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return orjson.loads(self.body)


def open_session() -> aiohttp.ClientSession:
    """Return a session without limits or retries of its own: hidden ones would be defences nobody switched on."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None, sock_connect=None))
    session._retry_connection = False  # noqa: SLF001 - aiohttp has no public way to stop its silent second attempt.
    return session


class HttpDependency:
    """A service behind one or more links: operations take them in turn, their further attempts go round from there."""

    def __init__(self, links: Sequence[Link], *, name: str, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._links = tuple(links)
        self._neighbours = tuple(zip(self._links, self._links[1:] + self._links[:1], strict=True))
        self._turn = itertools.count()
        self._stack = stack
        self._session = session

    async def request(
        self, method: str, path: str, *, route: str, body: Any = None, idempotent: bool = True
    ) -> HttpReply:
        """Return the reply; `route` is the path's pattern, for spans.

        Raises:
            CallError: One of the outcomes other than ok.

        """
        operation = Operation(
            name=f"{method} {route}",
            dependency=self._name,
            idempotent=idempotent,
            deadline_s=current_deadline_s(),
            elsewhere=len(self._links) > 1,
        )
        send = partial(self._send, method=method, path=path, body=body)
        reply: HttpReply = await self._stack.call(operation, send)
        return reply

    async def _send(self, operation: Operation, *, method: str, path: str, body: Any) -> HttpReply:
        link = self._choose(operation.tried)
        with link.attempt(operation):
            data = None if body is None else orjson.dumps(body)
            url = f"http://{link.address}{path}"
            try:
                # A redirect followed would be a second request, past the link.
                async with self._session.request(
                    method, url, data=data, headers=_headers(operation), allow_redirects=False
                ) as response:
                    content = await self._content(response)
                    return _reply(operation, response.status, response.headers, content)
            except aiohttp.ClientConnectorError as error:
                raise Unreachable(f"{self._name}: no connection: {error}") from None
            except (aiohttp.ClientError, OSError) as error:
                raise Failed(f"{self._name}: connection broke: {type(error).__name__}") from None

    def _choose(self, tried: set[str]) -> Link:
        """Return the link whose turn it is, for a further attempt the next one after those tried.

        First attempts alone advance the turn: did the others too, first attempts would meet the same link again and
        again. Once all links are tried, only the last of them counts as tried, and a new round begins after it.
        """
        if tried:
            following = (after for link, after in self._neighbours if link.name in tried and after.name not in tried)
            link = next(following, self._links[0])
        else:
            link = self._links[next(self._turn) % len(self._links)]
        if len(tried) >= len(self._links) - 1:
            tried.clear()
        tried.add(link.name)
        return link

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            # Not `read(n)`, which is content with the first packet.
            await response.content.readexactly(_BODY_BYTES_MAX + 1)
        except asyncio.IncompleteReadError as whole:
            return whole.partial
        raise Failed(f"{self._name}: the answer has over {_BODY_BYTES_MAX} bytes")


def _headers(operation: Operation) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if operation.deadline_s is not None:
        headers[DEADLINE_HEADER] = to_header(operation.deadline_s, now_s())
    if traceparent := current_traceparent():
        headers["traceparent"] = traceparent
    return headers


def _reply(operation: Operation, status: int, headers: Mapping[str, str], content: bytes) -> HttpReply:
    if status < 500 and status != 429:
        return HttpReply(status=status, body=content)
    raise _failure(operation, status, headers)


def _failure(operation: Operation, status: int, headers: Mapping[str, str]) -> CallError:
    said = headers.get(OUTCOME_HEADER, "")
    message = f"{operation.dependency} answered {status}"
    # A timeout of this side's own choosing would have set an earlier instant, and then the callee is to blame.
    if DEADLINE_PASSED_HEADER in headers and operation.deadline_s == current_deadline_s():
        return DeadlineTimedOut(message)
    if status == 429 or said == Outcome.REJECTED:
        return Rejected(message, retry_after_s=_retry_after_s(headers))
    if said == Outcome.TIMEOUT:
        return TimedOut(message)
    return Failed(message, retry_after_s=_retry_after_s(headers))


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None
