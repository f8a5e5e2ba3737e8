"""One connection to a NATS server through a link: requests and their answers, nothing hidden.

What the driver would do by itself is left out: it reconnects in the background, keeps what is published meanwhile,
takes further addresses from the server, which would go past the link, and leaves whoever waits for an answer waiting
when the connection breaks. Here a broken connection fails all who wait at once, and the next request makes a new one.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from rulezero.outcome import CallError, Failed, Unreachable

UNSENT_BYTES_MAX = 1_000_000
_CONNECT_TIMEOUT_S = 10
_CLOSE_TIMEOUT_S = 1.0
_PULLS = "pulls"

_log = logging.getLogger(__name__)

Ask = Callable[[str, bytes], Awaitable[Msg]]


class _Session:
    """A connected client and those who wait for an answer on it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.over = False
        self._inbox = client.new_inbox()
        self._tokens = itertools.count()
        self._answers: dict[str, asyncio.Future[Msg]] = {}
        self._pulls: deque[asyncio.Future[Msg]] = deque()

    async def begin(self) -> None:
        """Begin to take answers in."""
        await self.client.subscribe(f"{self._inbox}.*", cb=self._hear)
        await self.client.subscribe(f"{self._inbox}_{_PULLS}", cb=self._hand_out)

    async def ask(self, subject: str, payload: bytes, headers: Mapping[str, str] | None) -> Msg:
        """Return the answer to this request."""
        token, answer = str(next(self._tokens)), _future()
        self._answers[token] = answer
        try:
            told = dict(headers) if headers else None
            await self._publish(subject, payload, f"{self._inbox}.{token}", told)
            return await answer
        finally:
            del self._answers[token]

    async def pull(self, subject: str, payload: bytes) -> Msg:
        """Return an answer to a request of this kind: a message comes under its own subject, which names no request."""
        answer = _future()
        self._pulls.append(answer)
        try:
            await self._publish(subject, payload, f"{self._inbox}_{_PULLS}", None)
            return await answer
        finally:
            if answer in self._pulls:
                self._pulls.remove(answer)

    async def _publish(self, subject: str, payload: bytes, reply: str, headers: dict[str, str] | None) -> None:
        if self.over:  # The driver may not know yet.
            raise nats.errors.ConnectionClosedError
        await self.client.publish(subject, payload, reply=reply, headers=headers)

    def end(self, error: CallError) -> None:
        """Fail all who wait, and take no further requests."""
        self.over = True
        for answer in (*self._answers.values(), *self._pulls):
            if not answer.done():
                answer.set_exception(error)

    async def _hear(self, message: Msg) -> None:
        answer = self._answers.get(message.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def _hand_out(self, message: Msg) -> None:
        while self._pulls:
            answer = self._pulls.popleft()
            if not answer.done():
                answer.set_result(message)
                return
        # Whoever asked has left: unacknowledged, it will be delivered again.


class QueueConnection:
    """Connected when first used, and again after it broke; `prepare` asks for what must be there before all else.

    Its methods raise `CallError`: Unreachable when nothing was sent, Failed when nobody knows.
    """

    def __init__(self, address: str, *, name: str, prepare: Callable[[Ask], Awaitable[None]]) -> None:
        self._address = address
        self._name = name
        self._prepare = prepare
        self._session: _Session | None = None
        self._connecting: asyncio.Task[_Session] | None = None
        # The loop keeps no strong reference to a task.
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, subject: str, payload: bytes = b"", headers: Mapping[str, str] | None = None) -> Msg:
        """Publish a message and return the answer to it, however long that takes."""
        session = await self._connected()
        return await self._explained(session.ask(subject, payload, headers))

    async def pull(self, subject: str, payload: bytes) -> Msg:
        """Ask for one message of a consumer; what comes may answer another's request of the same kind."""
        session = await self._connected()
        return await self._explained(session.pull(subject, payload))

    async def close(self) -> None:
        """Drop the connection; who waits for an answer is told that it broke."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._session is not None:
            self._drop(self._session)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _explained(self, asking: Awaitable[Msg]) -> Msg:
        try:
            return await asking
        except (nats.errors.ConnectionClosedError, nats.errors.OutboundBufferLimitError) as error:
            raise Unreachable(f"{self._name}: {error}") from None
        except (nats.errors.Error, OSError) as error:
            raise Failed(f"{self._name}: {type(error).__name__}: {error}") from None

    async def _connected(self) -> _Session:
        session = self._session
        if session is None or session.over:
            session = await self._connect_together()
        unsent = session.client.pending_data_size
        if unsent > UNSENT_BYTES_MAX:  # A link that hangs; the driver would keep everything.
            raise Unreachable(f"{self._name}: {unsent} bytes wait to be sent already")
        return session

    async def _connect_together(self) -> _Session:
        """Connect once for all who wait; who leaves takes nothing from the others."""
        if self._closed:
            raise Unreachable(f"{self._name}: closed")
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(_looked_at)
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> _Session:
        session = _Session(Client())
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await self._open(session)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            self._drop(session)
            told = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise Unreachable(f"{self._name}: no queue at {self._address}: {told}") from None
        except BaseException:
            self._drop(session)
            raise
        self._session = session
        return session

    async def _open(self, session: _Session) -> None:
        client = session.client
        await client.connect(
            f"nats://{self._address}",
            name=self._name,
            error_cb=self._note,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # Two tries, at once: the least that the driver can be told. 0 is for ever.
            reconnect_time_wait=0,
            connect_timeout=_CONNECT_TIMEOUT_S,
            pending_size=0,  # Nothing is kept while there is no connection.
        )
        # Not every way that a connection ends is told by a callback, but its reader ends in all of them.
        reader = client._reading_task  # noqa: SLF001 - as just said.
        if reader is not None:
            reader.add_done_callback(lambda _: self._drop(session))
        await session.begin()

        async def ask(subject: str, payload: bytes) -> Msg:
            return await self._explained(session.ask(subject, payload, None))

        await self._prepare(ask)

    def _drop(self, session: _Session) -> None:
        if session.over:
            return
        session.end(Failed(f"{self._name}: the connection broke"))
        closing = asyncio.get_running_loop().create_task(_closed(session.client))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _note(self, error: Exception) -> None:
        _log.debug("%s: %s", self._name, error)  # Who waits for an answer is told; nobody else need be.


def _future() -> asyncio.Future[Msg]:
    return asyncio.get_running_loop().create_future()


def _looked_at(task: asyncio.Task[_Session]) -> None:
    if not task.cancelled():
        task.exception()  # All who waited for it may have left.


async def _closed(client: Client) -> None:
    """Close a client; one whose link hangs is given up after a moment."""
    with suppress(nats.errors.Error, OSError, TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await client.close()
