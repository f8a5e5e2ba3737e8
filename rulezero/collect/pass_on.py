"""Hands spans on to who else keeps them, as they came; a failure costs the run nothing."""

import asyncio
from types import TracebackType
from typing import Self

import aiohttp

_WAITING_MAX = 32
_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
_LAST_WAIT_S = 1.0
_REFUSED = 400


class PassOn:
    """Posts to an OTLP/HTTP endpoint ("http://host:port").

    `dropped` counts the requests that did not get there: too much was waiting, or nobody took them.
    """

    def __init__(self, endpoint: str) -> None:
        self._url = f"{endpoint}/v1/traces"
        self._session: aiohttp.ClientSession | None = None
        self._waiting: set[asyncio.Task[None]] = set()
        self.dropped = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=_LAST_WAIT_S)
        self.dropped += len(self._waiting)
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def __call__(self, body: bytes) -> None:
        """Send one request's body; return at once."""
        if len(self._waiting) >= _WAITING_MAX:
            self.dropped += 1
            return
        task = asyncio.create_task(self._post(body))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _post(self, body: bytes) -> None:
        if self._session is None:
            return
        headers = {"Content-Type": "application/x-protobuf"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                await answer.read()
                self.dropped += answer.status >= _REFUSED
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.dropped += 1
