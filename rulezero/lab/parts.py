"""The parts of a running lab as the runner knows them: which live, which ended, and whether that was meant."""

import asyncio
import contextlib
import signal
from functools import partial
from pathlib import Path

import msgspec
import psutil

from rulezero.errors import Problem
from rulezero.lab import directory, ready
from rulezero.lab.control import Control, start_keeper
from rulezero.lab.exits import PartExit, describe_status, last_words, tail
from rulezero.lab.messages import Exited, Signal, Start
from rulezero.lab.threads import to_the_end

KEEPER = "keeper"
_PAUSE_TIMEOUT_S = 5.0


class Parts:
    """Starts parts through a keeper and remembers what became of each."""

    control: Control

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._pids: dict[str, int] = {}
        self._ends: dict[str, asyncio.Future[int]] = {}
        self._wanted: set[str] = set()
        self._paused: set[str] = set()
        self._exits: list[PartExit] = []

    async def open(self, root: Path) -> None:
        """Start the keeper."""
        await to_the_end(self._logs.mkdir, parents=True, exist_ok=True)
        self.control = await start_keeper(self._folder, root, self.log(KEEPER), self._on_exit)

    async def close(self) -> None:
        """End everything."""
        self._wanted.update(self._pids)
        await self.control.close()

    async def start(self, start: Start) -> None:
        """Start a part under its name. Raises Problem."""
        # Before the request: a part may end at once, and the news must find its place.
        self._ends[start.name] = asyncio.get_running_loop().create_future()
        self._wanted.discard(start.name)
        self._paused.discard(start.name)
        start = msgspec.structs.replace(start, log=str(self.log(start.name)))
        self._pids[start.name] = (await self.control.ask(start)).pid

    async def run(self, start: Start, timeout_s: float) -> int:
        """Start a program, wait for its end and return its status. Raises Problem when it takes longer."""
        await self.start(start)
        self._wanted.add(start.name)
        end = self._ends[start.name]
        await asyncio.wait((end,), timeout=timeout_s)
        if not end.done():
            raise self.problem(start.name, f"has not ended after {timeout_s:g} s")
        return end.result()

    async def until_ready(self, name: str, probe: ready.Probe, timeout_s: float) -> None:
        """Wait for a part. Raises Problem when it ends first or takes longer than `timeout_s`."""
        waiting: asyncio.Future[None] = asyncio.ensure_future(ready.until(probe))
        end = self._ends[name]
        try:
            await asyncio.wait((waiting, end), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                self._wanted.add(name)
                happened = describe_status(end.result()) if end.done() else f"not ready after {timeout_s:g} s"
                raise self.problem(name, f"did not start: {happened}")
            waiting.result()
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def stop(self, name: str, number: int, grace_s: float) -> None:
        """Ask a part to end with signal `number`, force it after `grace_s`, and wait until it is gone."""
        self._wanted.add(name)
        await self.resume(name)
        end = self._ends[name]
        await self.control.ask(Signal(name, number))
        await asyncio.wait([end], timeout=grace_s)
        if not end.done():
            await self.control.ask(Signal(name, signal.SIGKILL))
            await asyncio.wait([end], timeout=grace_s)
        if not end.done():
            raise self.problem(name, "does not end")

    async def kill(self, name: str) -> None:
        """End a part as a crash would, and wait until it is gone."""
        self._wanted.add(name)
        await self.control.ask(Signal(name, signal.SIGKILL))
        await asyncio.shield(self._ends[name])

    async def pause(self, name: str) -> None:
        """Stop a part and its children from running; their sockets stay open."""
        self._paused.add(name)
        pids = await self._signal_tree(name, signal.SIGSTOP)
        # A busy machine takes its time to stop a process of several threads.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_TIMEOUT_S):
                await ready.until(partial(_stopped, pids))

    async def resume(self, name: str) -> None:
        """Let a paused part go on."""
        if name in self._paused:
            self._paused.discard(name)
            await self._signal_tree(name, signal.SIGCONT)

    def lives(self, name: str) -> bool:
        """Return whether the part is running."""
        return name in self._ends and not self._ends[name].done()

    def exits(self) -> list[PartExit]:
        """Return the parts that ended though nobody asked."""
        return list(self._exits)

    def processes(self) -> dict[str, list[int]]:
        """Return the process ids of each living part, children included."""
        living = {KEEPER: [self.control.pid]}
        return living | {name: [pid, *directory.children(pid)] for name, pid in self._pids.items() if self.lives(name)}

    def log(self, name: str) -> Path:
        """Return the log of a part."""
        return self._logs / f"{name}.log"

    def problem(self, name: str, what: str) -> Problem:
        """Return a problem of one line about a part, with the last thing it said."""
        return Problem(f"{name} {what} ({last_words(self.log(name))}); see {self.log(name)}")

    async def _signal_tree(self, name: str, number: int) -> list[int]:
        # The parent first: one that is stopped makes no further children.
        await self.control.ask(Signal(name, number))
        children = directory.children(self._pids[name])
        for pid in children:
            with contextlib.suppress(psutil.Error):
                psutil.Process(pid).send_signal(number)
        return [self._pids[name], *children]

    def _on_exit(self, exited: Exited | None) -> None:
        if exited is None:
            self._exits.append(PartExit(KEEPER, "died", tail(self.log(KEEPER))))
            for end in self._ends.values():
                if not end.done():
                    end.set_result(-signal.SIGKILL)
            return
        end = self._ends[exited.name]
        if not end.done():
            end.set_result(exited.status)
        if exited.name not in self._wanted:
            self._exits.append(PartExit(exited.name, describe_status(exited.status), tail(self.log(exited.name))))


async def _stopped(pids: list[int]) -> bool:
    # Those that have ended meanwhile do not run either.
    return all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in pids if psutil.pid_exists(pid))
