"""One call to a dependency, and the stack of defences around it: one loop.

A defence takes an operation and what to do next (`proceed`), as an ASGI layer takes a scope and an app.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

Reply = TypeVar("Reply")


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What is asked of a dependency.

    `deadline_s` is an instant on the event loop's clock; None means that the caller waits for ever.
    `attempt` counts from 1. `key` names what a cache load is for.
    """

    name: str
    dependency: str
    idempotent: bool = True
    attempt: int = 1
    deadline_s: float | None = None
    key: str = ""


Proceed = Callable[[Operation], Awaitable[Any]]


class Layer(Protocol):
    """The shape of every defence around a call."""

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply, or raise a `CallError` or `asyncio.CancelledError`."""


def wrap(layers: tuple[Layer, ...], send: Proceed) -> Proceed:
    """Return `send` inside the layers, the first of which is outermost."""
    proceed = send
    for layer in reversed(layers):
        proceed = partial(layer, proceed=proceed)
    return proceed
