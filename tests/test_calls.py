import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from rulezero.calls import Layer, Operation, Proceed, wrap

OPERATION = Operation(name="charge", dependency="payment")


def noting(name: str, log: list[str]) -> Layer:
    async def layer(operation: Operation, proceed: Proceed) -> Any:
        log.append(f"{name} in")
        reply = await proceed(operation)
        log.append(f"{name} out")
        return reply

    return layer


async def echo(operation: Operation) -> Operation:
    return operation


async def test_the_first_layer_is_outermost() -> None:
    """Layers are entered in the order given and left in reverse."""
    log: list[str] = []
    await wrap((noting("a", log), noting("b", log)), echo)(OPERATION)
    assert log == ["a in", "b in", "b out", "a out"]


async def test_no_layers_leave_the_call_as_it_is() -> None:
    """Everything off costs nothing."""
    assert wrap((), echo) is echo


async def test_a_layer_may_answer_without_proceeding() -> None:
    """What lies inside is then not reached."""

    async def closed(operation: Operation, proceed: Proceed) -> str:  # noqa: ARG001 - the names are the protocol's.
        return "no"

    log: list[str] = []
    layers: tuple[Layer, ...] = (closed, noting("inner", log))
    assert await wrap(layers, echo)(OPERATION) == "no"
    assert log == []


async def test_a_layer_may_proceed_with_another_operation_more_than_once() -> None:
    """As retries do."""

    async def twice(operation: Operation, proceed: Proceed) -> list[Operation]:
        return [await proceed(replace(operation, attempt=attempt)) for attempt in (1, 2)]

    assert [one.attempt for one in await wrap((twice,), echo)(OPERATION)] == [1, 2]


async def test_one_stack_serves_calls_that_overlap() -> None:
    """The stack holds no call's state, so each gets its own operation back."""

    async def slow_echo(operation: Operation) -> Operation:
        await asyncio.sleep(1)
        return operation

    stack = wrap((noting("a", []), noting("b", [])), slow_echo)
    asked = [replace(OPERATION, key=str(number)) for number in range(5)]
    assert await asyncio.gather(*(stack(one) for one in asked)) == asked


def test_an_operation_cannot_be_changed_in_place() -> None:
    """Else a retry would change what a call that is still running asks."""
    field = "attempt"
    with pytest.raises(AttributeError):
        setattr(OPERATION, field, 2)
