"""What the tests of the defences share: a teller that remembers, and a dependency that does as it is told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Any

from msgspec.structs import replace

from rulezero.calls import Entry, Operation
from rulezero.defences.context import Context, SharedCache, SharedQueue
from rulezero.outcome import Failed

OPERATION = Operation(name="charge", dependency="payment")


class RecordingTeller:
    """Remembers everything that a defence tells."""

    def __init__(self) -> None:
        self.decisions: list[tuple[str, dict[str, float | str]]] = []
        self.states: list[int] = []
        self.limit = 0
        self.is_removed = False
        self._in_use: Callable[[], int] = lambda: 0

    def decided(self, decision: str, **detail: float | str) -> None:
        self.decisions.append((decision, detail))

    def breaker_state(self, state: int) -> None:
        self.states.append(int(state))

    def concurrency(self, *, limit: int, in_use: Callable[[], int]) -> None:
        self.limit = limit
        self._in_use = in_use

    def removed(self) -> None:
        self.is_removed = True

    @property
    def in_use(self) -> int:
        """The permits that are taken now."""
        return self._in_use()

    @property
    def names(self) -> list[str]:
        """The decisions in order, without their detail."""
        return [name for name, _ in self.decisions]

    def detail(self, decision: str) -> dict[str, float | str]:
        """The detail of the last decision of this name."""
        return [detail for name, detail in self.decisions if name == decision][-1]


class Dependency:
    """Gives each call the next of its answers after `latency_s`, the last for ever; raises those that are errors."""

    def __init__(self, *answers: object, latency_s: float = 0.0) -> None:
        self.answers = answers or ("reply",)
        self.latency_s = latency_s
        self.calls: list[Operation] = []
        self.called_at_s: list[float] = []
        self.running = 0
        self.running_max = 0
        self.cancelled = 0

    async def __call__(self, operation: Operation) -> Any:
        answer = self.answers[min(len(self.calls), len(self.answers) - 1)]
        self.calls.append(operation)
        self.called_at_s.append(asyncio.get_running_loop().time())
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        try:
            await asyncio.sleep(self.latency_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Hanging(Dependency):
    """Answers after a day."""

    def __init__(self) -> None:
        super().__init__(latency_s=24 * 3600.0)


def context(
    teller: RecordingTeller | None = None,
    *,
    caller: str = "edge",
    seed: int = 0,
    shared: SharedCache | None = None,
    queue: SharedQueue | None = None,
) -> Context:
    """Return surroundings with a seeded random source."""
    return Context(
        dependency="payment",
        caller=caller,
        teller=teller or RecordingTeller(),
        random=Random(seed),
        shared=shared,
        queue=queue,
    )


def found(*, fresh_s: float, load_s: float = 0.3, value: object = "found") -> Entry:
    """Return an entry as a cache holds it; its value is told from what a dependency replies."""
    return Entry(value=value, fresh_s=fresh_s, load_s=load_s, version="v0")  # type: ignore[arg-type]  # Any value does.


def operation(**changes: Any) -> Operation:
    """Return an operation that differs from the usual one as said."""
    return replace(OPERATION, **changes)


def now_s() -> float:
    """Return the running loop's time."""
    return asyncio.get_running_loop().time()


def failed() -> Failed:
    """Return a failure that may pass."""
    return Failed("500")


async def outcomes(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Run calls together and return their replies and errors, in order."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def settle() -> None:
    """Let everything that is ready to run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def others() -> set[asyncio.Task[Any]]:
    """Return the tasks that are alive beside the running one."""
    return asyncio.all_tasks() - {asyncio.current_task()}
