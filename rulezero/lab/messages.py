"""What the runner asks the keeper and hears from it: one JSON object a line, replies in the order of the requests."""

import signal
from typing import Any

import msgspec

from rulezero.lab.identity import Identity


class Start(msgspec.Struct, tag="start", kw_only=True, frozen=True):
    """Start a part: the program `argv`, or else a fork that calls the function `target`, "module:function".

    `ports` maps a keyword of the function to a port that the child listens on before the call; the function receives
    the file descriptor, which it owns. Output goes to the end of `log`. When the keeper dies, the part gets
    `death_signal`.
    """

    name: str
    log: str = ""
    folder: str
    argv: list[str] = []
    target: str = ""
    arguments: dict[str, Any] = {}
    ports: dict[str, int] = {}
    environment: dict[str, str] = {}
    death_signal: int = signal.SIGKILL
    identity: Identity = Identity()


class Preload(msgspec.Struct, tag="preload", frozen=True):
    """Import a module, so that later forks have it."""

    module: str


class Signal(msgspec.Struct, tag="signal", frozen=True):
    """Send a signal to a part; nothing happens if it has ended."""

    name: str
    number: int


class Identify(msgspec.Struct, tag="identify", frozen=True):
    """Ask who PostgreSQL can run as."""


Request = Start | Preload | Signal | Identify


class Reply(msgspec.Struct, tag="reply", frozen=True, kw_only=True):
    """The answer to one request; `error` is one line, empty when all went well."""

    error: str = ""
    pid: int = 0
    identity: Identity | None = None


class Exited(msgspec.Struct, tag="exited", frozen=True):
    """A part ended: `status` is its exit status, or minus the number of the signal that ended it."""

    name: str
    pid: int
    status: int


requests = msgspec.json.Decoder(Request)
answers = msgspec.json.Decoder(Reply | Exited)


def line(message: Request | Reply | Exited) -> bytes:
    """Encode a message as it travels."""
    return msgspec.json.encode(message) + b"\n"
