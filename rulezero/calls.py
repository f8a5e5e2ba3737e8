"""One call to a dependency, and the stack of defences around it: one loop.

A defence takes an operation and what to do next (`proceed`), as an ASGI layer takes a scope and an app. Operations and
entries never change; `msgspec.structs.replace` makes one that differs, in a tenth of a microsecond.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import msgspec

Reply = TypeVar("Reply")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache holds for a key.

    `fresh_s` is how much longer it is fresh, negative for how long it has been stale; `load_s` how long it took to
    load. `version` tells one writing of the entry from the next.
    """

    value: bytes
    fresh_s: float
    load_s: float
    version: str

    @property
    def fresh(self) -> bool:
        """Tell whether it may be served as it is."""
        return self.fresh_s > 0


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a dependency.

    `deadline_s` is an instant on the event loop's clock; None means that the caller waits for ever.
    `attempt` counts from 1; `hedge` marks a copy that races an attempt still out. `tried` holds the links that this
    operation has been sent to, those of the last round: one object for all its attempts, so that another one can go
    elsewhere; `elsewhere` tells whether there is another link.

    Reads through a cache: `key` names the entry, `entry` is what was found. What is loaded will be fresh for `ttl_s`
    and kept, stale, for `keep_s` more. Admission: `waiting` is the length of the line that a request would join.
    """

    name: str
    dependency: str
    idempotent: bool = True
    attempt: int = 1
    deadline_s: float | None = None
    hedge: bool = False
    tried: set[str] = msgspec.field(default_factory=set)
    elsewhere: bool = True
    key: str = ""
    entry: Entry | None = None
    ttl_s: float = 0.0
    keep_s: float = 0.0
    waiting: int = 0

    @property
    def fresh(self) -> bool:
        """Tell whether a cached entry was found that may be served as it is."""
        return self.entry is not None and self.entry.fresh


Proceed = Callable[[Operation], Awaitable[Any]]


class Layer(Protocol):
    """The shape of every defence around a call."""

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or raise a `CallError` or `asyncio.CancelledError`."""


@runtime_checkable
class Lasting(Protocol):
    """A layer that has set something beyond its own calls."""

    def switched_off(self) -> None:
        """Take it back: the layer is off, or another takes its place."""


def wrap(layers: tuple[Layer, ...], send: Proceed) -> Proceed:
    """Return `send` inside the layers, the first of which is outermost."""
    proceed = send
    for layer in reversed(layers):
        proceed = partial(layer, proceed=proceed)
    return proceed
