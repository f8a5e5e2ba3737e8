"""Callers that come, leave, and are answered in any order: one turn of the event loop at a time.

Hypothesis draws the steps, so that what happens within one turn (a permit handed over to a caller that is cancelled
before it knows) comes up as often as anything else, and a counter-example is a short list.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from rulezero.calls import Operation
from tests.defences.fakes import failed, settle

Inside = Callable[[Operation], Awaitable[Any]]
Through = Callable[[int, Inside], Awaitable[Any]]

# A failure is printed with what repeats it; the machine's speed is no part of any law.
LAW = settings(max_examples=120, deadline=None, print_blob=True)


class Step(NamedTuple):
    """What happens next: somebody comes, leaves or is answered (by number), a turn passes, or some time."""

    kind: str
    number: int = 0
    seconds: float = 0.0


# Drawn evenly: a turn is as likely as all that can happen within one, and more come than leave.
_ALL = [
    *[Step("turn")] * 12,
    *[Step("come")] * 9,
    *(Step("leave", number) for number in range(6)),
    *(Step("reply", number) for number in (0, 0, 1, 2)),
    *(Step("fail", number) for number in (0, 1)),
    *(Step("wait", seconds=seconds) for seconds in (0.1, 0.5, 3.0)),
]
STEPS = st.lists(st.sampled_from(_ALL), min_size=40, max_size=120)


class Crowd:
    """`through` takes each caller, by its number, to `inside`, where it stays until it is answered or cancelled."""

    def __init__(self, through: Through) -> None:
        self._through = through
        self.callers: list[asyncio.Task[Any]] = []
        self.inside: dict[int, asyncio.Future[Any]] = {}
        self.entered: list[int] = []
        self.left: set[int] = set()

    @property
    def waiting(self) -> list[int]:
        """Those who have come, and are neither inside nor gone."""
        return [number for number, one in enumerate(self.callers) if not one.done() and number not in self.inside]

    async def follow(self, steps: list[Step], check: Callable[[], None], *, resting: bool = False) -> None:
        """Take the steps, and check after each, `resting` when all has settled; then answer whoever is left."""
        for step in steps:
            await self._take(step)
            if resting:
                await settle()
            check()
        for _ in range(len(self.callers) + 2):  # Each round serves one of them at least, if no place was lost.
            if all(one.done() for one in self.callers):
                await settle()  # What the last of them left behind ends a turn later.
                return
            for number in list(self.inside):
                self._answer(number, "reply")
            await settle()
            check()
        raise AssertionError("somebody waits though nobody is inside")

    async def _take(self, step: Step) -> None:
        if step.kind == "turn":
            await asyncio.sleep(0)
        elif step.kind == "wait":
            await asyncio.sleep(step.seconds)
        elif step.kind == "come":
            caller = asyncio.create_task(self._call(len(self.callers)))
            # Else asyncio logs what nobody asked for, in the middle of a collection of garbage; and CPython before
            # 3.11.8 parses source for such a traceback, which breaks a parse that is under way (gh-106905).
            caller.add_done_callback(lambda one: one.cancelled() or one.exception())
            self.callers.append(caller)
        elif step.kind == "leave":
            here = [number for number, one in enumerate(self.callers) if not one.done()]
            for number in here[step.number : step.number + 1]:
                self.callers[number].cancel()
                self.left.add(number)
        elif self.inside:
            self._answer(list(self.inside)[step.number % len(self.inside)], step.kind)

    async def _call(self, number: int) -> Any:
        async def inside(_: Operation) -> Any:
            answer = self.inside[number] = asyncio.get_running_loop().create_future()
            self.entered.append(number)
            try:
                return await answer
            finally:
                del self.inside[number]

        return await self._through(number, inside)

    def _answer(self, number: int, kind: str) -> None:
        answer = self.inside[number]
        if answer.done():
            return
        if kind == "reply":
            answer.set_result(f"reply {number}")
        else:
            answer.set_exception(failed())
