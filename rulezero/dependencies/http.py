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
from rulezero.defences.deadline import to_header
from rulezero.dependencies.attempts import Link
from rulezero.outcome import CallError, Failed, Outcome, Rejected, TimedOut, Unreachable
from rulezero.request_context import DEADLINE_HEADER, OUTCOME_HEADER, current_deadline_s, now_s
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
    """A service behind one or more links, taken in turn; another attempt at the same operation takes another one."""

    def __init__(self, links: Sequence[Link], *, name: str, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._links = tuple(links)
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
                    return _reply(self._name, response.status, response.headers, content)
            except aiohttp.ClientConnectorError as error:
                raise Unreachable(f"{self._name}: no connection: {error}") from None
            except (aiohttp.ClientError, OSError) as error:
                raise Failed(f"{self._name}: connection broke: {type(error).__name__}") from None

    def _choose(self, tried: set[str]) -> Link:
        """Return the link whose turn it is, of those that this operation has not been sent to if there are any."""
        untried = [link for link in self._links if link.name not in tried] if tried else self._links
        choice = untried or self._links
        link = choice[next(self._turn) % len(choice)]
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


def _reply(name: str, status: int, headers: Mapping[str, str], content: bytes) -> HttpReply:
    if status < 500 and status != 429:
        return HttpReply(status=status, body=content)
    raise _failure(name, status, headers)


def _failure(name: str, status: int, headers: Mapping[str, str]) -> CallError:
    said = headers.get(OUTCOME_HEADER, "")
    message = f"{name} answered {status}"
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
