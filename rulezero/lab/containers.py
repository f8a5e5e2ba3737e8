"""The containers of one Compose project: which run, which ended though nobody asked, what they said."""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Collection
from pathlib import Path

import msgspec
import psutil

from rulezero.errors import Problem, StorageProblem
from rulezero.lab import directory, ready
from rulezero.lab.docker import PROGRAM, TIMEOUT_S, docker, said
from rulezero.lab.exits import TAIL_LINES, PartExit, describe_status, last_words
from rulezero.lab.threads import to_the_end

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_LOG_LINES_MAX = 20_000
_SIGNALLED = 128
_TELLS_S = 1.0


class _Actor(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    attributes: dict[str, str] = msgspec.field(name="Attributes")


class _Event(msgspec.Struct):
    actor: _Actor = msgspec.field(name="Actor")


class Containers:
    """Those of a project.

    Args:
        project: Its name.
        logs: The folder that gets what they said, a file each.
        pids: Whether their process ids are this machine's: not where Docker runs in a virtual machine.

    """

    def __init__(self, project: str, logs: Path, *, pids: bool) -> None:
        self._project = project
        self._logs = logs
        self._pids_are_ours = pids
        self._ids: dict[str, str] = {}
        self._pids: dict[str, int] = {}
        self._wanted: set[str] = set()
        self._ended: dict[str, int] = {}
        self._exits: list[PartExit] = []
        self._watching: asyncio.Task[None] | None = None
        self._events: Process | None = None

    async def open(self) -> None:
        """Begin to notice ends, and look what there is. Raises Problem."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._events = await asyncio.create_subprocess_exec(
            PROGRAM, "events", "--filter", "type=container", "--filter", "event=die",
            "--filter", f"label={_PROJECT}={self._project}", "--format", "{{json .}}",
            stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._watching = asyncio.create_task(self._watch(self._events))
        await self.look()

    async def close(self) -> None:
        """Notice nothing more."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._events is not None:
            with contextlib.suppress(ProcessLookupError):
                self._events.kill()
            await self._events.wait()

    async def look(self) -> None:
        """Take down which containers there are and which of them run. Raises Problem."""
        listed = await docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={_PROJECT}={self._project}")
        self._ids, self._pids = {}, {}
        if not listed.split():
            return
        form = f'{{{{.Id}}}} {{{{.State.Pid}}}} {{{{index .Config.Labels "{_SERVICE}"}}}}'
        for line in (await docker("inspect", "--format", form, *listed.split())).splitlines():
            identity, pid, name = line.split()
            self._ids[name] = identity
            if int(pid):
                self._pids[name] = int(pid)

    def lives(self, name: str) -> bool:
        """Return whether it ran when somebody looked, and was not seen to end since."""
        return name in self._pids and self._ids[name] not in self._ended

    def exits(self) -> list[PartExit]:
        """Return those that ended though nobody asked."""
        return list(self._exits)

    def require(self, name: str) -> None:
        """Raise Problem when it has ended."""
        status = self._ended.get(self._ids.get(name, ""))
        if status is not None:
            raise Problem(f"{name} ended with {_describe(status)} ({last_words(self.log(name))}); see {self.log(name)}")

    def processes(self) -> dict[str, list[int]]:
        """Return the process ids of those that live, children included; none that belong to another machine."""
        if not self._pids_are_ours:
            return {}
        living = {name: pid for name, pid in self._pids.items() if self.lives(name) and psutil.pid_exists(pid)}
        return {name: [pid, *directory.children(pid)] for name, pid in living.items()}

    def expect_end(self, names: Collection[str]) -> None:
        """Take the end of these, as they are now, for wanted, however late the news of it comes."""
        self._wanted.update(self._ids[name] for name in names if name in self._ids)

    async def kill(self, name: str) -> None:
        """End one as a crash would, and wait until it is gone. Raises Problem."""
        identity = self._ids[name]
        self.expect_end([name])
        await docker("kill", "--signal", "KILL", identity)

        async def gone() -> bool:
            return identity in self._ended

        try:
            async with asyncio.timeout(TIMEOUT_S):
                await ready.until(gone)  # The news is watched for anyway, and sooner there than what a command says.
        except TimeoutError:
            raise Problem(f"{name} was killed and has not ended after {TIMEOUT_S:g} s; look at `docker ps`") from None
        self._pids.pop(name, None)

    async def start(self, name: str) -> None:
        """Start one that ended, as it was. Raises Problem."""
        identity = self._ids[name]
        await docker("start", identity)
        self._wanted.discard(identity)
        self._ended.pop(identity, None)
        await self.look()

    async def keep_logs(self, names: Collection[str], since: str = "") -> None:
        """Add what these said to their files. Raises Problem."""
        await asyncio.gather(*(self._keep_log(name, since) for name in names if name in self._ids))

    def log(self, name: str) -> Path:
        """Return the file that has what it said."""
        return self._logs / f"{name}.log"

    async def _keep_log(self, name: str, since: str = "") -> None:
        text = await said(self._ids[name], since=since, tail=_LOG_LINES_MAX)
        try:
            await to_the_end(_append, self.log(name), text)
        except OSError as error:
            raise StorageProblem(f"{self.log(name)}: {error.strerror}; free some space") from None

    async def _watch(self, events: Process) -> None:
        while events.stdout is not None and (line := await events.stdout.readline()):
            actor = msgspec.json.decode(line, type=_Event).actor
            name = actor.attributes.get(_SERVICE, "")
            if self._ids.get(name) != actor.id:
                continue  # One that was replaced.
            self._ended[actor.id] = status = int(actor.attributes.get("exitCode", "0"))
            if actor.id in self._wanted:
                continue
            lines: list[str] = []
            with contextlib.suppress(Problem, TimeoutError):  # A busy engine keeps its logs, but the end is news.
                async with asyncio.timeout(_TELLS_S):
                    lines = (await said(actor.id, tail=TAIL_LINES)).splitlines()
            self._exits.append(PartExit(name, _describe(status), tuple(lines)))
        self._exits.append(PartExit(PROGRAM, "tells nothing more of its containers", ()))


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _describe(status: int) -> str:
    """Return in words how a container ended: it says 128 + N for signal N."""
    return describe_status(_SIGNALLED - status if status > _SIGNALLED else status)


async def states(project: str) -> dict[str, str]:
    """Return what each container of a project is: "running", "exited"... Raises Problem."""
    form = f'{{{{.Label "{_SERVICE}"}}}} {{{{.State}}}}'
    listed = await docker("ps", "--all", "--filter", f"label={_PROJECT}={project}", "--format", form)
    return dict(line.split(maxsplit=1) for line in listed.splitlines() if line.strip())
