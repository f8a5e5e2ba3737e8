"""A stream of a JetStream server: made when it is missing, bounded or not, and what it says of its backlog.

Retention is that of a work queue: a message stays until one consumer has acknowledged it. Without a bound only the
server's own memory ends it. JetStream's API is JSON over requests; what the driver makes of it leaves out the times by
the server's clock, which are what an age is told from.
"""

from datetime import datetime
from typing import Any

import orjson
from nats.aio.msg import Msg

from rulezero.dependencies.queue_connection import Ask
from rulezero.outcome import CallError, Failed, Unreachable
from rulezero.telemetry import metrics

API = "$JS.API"
STATUS_HEADER = "Status"
NO_RESPONDERS = "503"
_NOT_FOUND = 10059
_EXISTS_OTHERWISE = 10058  # With other limits, that is: somebody has bounded it.
_UNBOUNDED = -1


class Stream:
    """One stream, which takes the messages of the subject of the same name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._max_msgs = _UNBOUNDED

    def bound(self, max_msgs: int | None) -> None:
        """Have it hold no more messages than this, from the next look after it on; None: as many as come."""
        self._max_msgs = _UNBOUNDED if max_msgs is None else max_msgs

    async def make(self, ask: Ask) -> None:
        """Make the stream if there is none; one that is there stays as it is. Raises CallError."""
        made = await call(ask, f"STREAM.CREATE.{self.name}", self._config())
        if made.get("error") and made["error"].get("err_code") != _EXISTS_OTHERWISE:
            raise failure(self.name, made["error"])

    async def look_after(self, ask: Ask) -> None:
        """Tell the backlog, and set the bound if it is another one than wanted. Raises CallError."""
        found = await call(ask, f"STREAM.INFO.{self.name}")
        if found.get("error", {}).get("err_code") == _NOT_FOUND:
            await self.make(ask)  # The server has been started again, and had it in memory.
            return
        if found.get("error"):
            raise failure(self.name, found["error"])
        self._tell(found)
        if found["config"]["max_msgs"] != self._max_msgs:
            changed = await call(ask, f"STREAM.UPDATE.{self.name}", self._config())
            if changed.get("error"):
                raise failure(self.name, changed["error"])

    def _tell(self, found: dict[str, Any]) -> None:
        state = found["state"]
        # Made here: who only consumes has nothing to say of the backlog, not even 0.
        metrics.QUEUE_DEPTH.labels(queue=self.name).set(state["messages"])
        age_s = _instant_s(found["ts"]) - _instant_s(state["first_ts"]) if state["messages"] else 0.0
        metrics.QUEUE_OLDEST_AGE.labels(queue=self.name).set(max(0.0, age_s))

    def _config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "subjects": [self.name],
            "retention": "workqueue",
            "storage": "memory",
            "discard": "new",  # Never the oldest: what was accepted is kept.
            "max_msgs": self._max_msgs,
            "max_bytes": _UNBOUNDED,
            "max_consumers": _UNBOUNDED,
            "num_replicas": 1,
        }


async def call(ask: Ask, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the answer of JetStream's API, which may be an "error". Raises CallError when there is none."""
    answer = await ask(f"{API}.{what}", orjson.dumps(body) if body else b"")
    return decoded(answer)


def decoded(answer: Msg) -> dict[str, Any]:
    """Return what an answer says. Raises CallError when nobody took the request, or it is no answer."""
    if (answer.headers or {}).get(STATUS_HEADER) == NO_RESPONDERS:
        raise Unreachable(f"nobody answers {answer.subject}: no such stream, or the server has no JetStream")
    try:
        said = orjson.loads(answer.data)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        raise Failed(f"no answer of JetStream: {answer.data[:100]!r}")
    return said


def failure(name: str, error: dict[str, Any]) -> CallError:
    """Return the error that JetStream answered."""
    return Failed(f"{name}: {error.get('description', error)} ({error.get('err_code', 'no code')})")


def _instant_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
