"""Whether the client of a request is still there.

A server does not end a request whose client hangs up (uvicorn goes on with it), and ASGI tells only through `receive`,
which waits while the client is there: so one step of it is taken and put away.
"""

import asyncio
from collections import deque

from starlette.types import Message, Receive


class Caller:
    """Looks at the connection without waiting; parts of the body that come up meanwhile are kept for `receive`."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._unread: deque[Message] = deque()

    def has_left(self) -> bool:
        """Return whether the client has closed its connection. Its body, if nobody has read it, comes first."""
        for _ in range(2):
            message = self._at_hand()
            if message is None:
                return False
            if message["type"] == "http.disconnect":
                return True
            self._unread.append(message)
        return False

    async def receive(self) -> Message:
        """Return what the server would have, had nobody looked."""
        return self._unread.popleft() if self._unread else await self._receive()

    def _at_hand(self) -> Message | None:
        step = self._receive()
        try:
            step.send(None)  # type: ignore[attr-defined]  # An ASGI server's receive is a coroutine function.
        except StopIteration as answered:
            message: Message = answered.value
            return message
        except asyncio.CancelledError:
            return None
        step.close()  # type: ignore[attr-defined]  # As above.
        return None
