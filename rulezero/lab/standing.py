"""The standing lab: a detached process holds it from `up` to `down`, so that it can be used by hand.

Its state is in `.rulezero/lab.json` of the checkout. Whether it lives is told by a lock, so that no stale file and no
process id used again can mislead.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import msgspec

from rulezero.errors import Problem, UsageProblem
from rulezero.lab.description import ShopDescription
from rulezero.lab.lock import holder
from rulezero.lab.ports import is_free

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
_POLL_S = 0.05
_FREED_ATTEMPTS = 60


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything of a standing lab is. `dead` names the parts that ended though nobody asked."""

    pid: int
    started_at: str
    entry: str
    toxiproxy_api: str
    primary: str
    standby: str
    cache: str
    queue: str = ""
    prometheus: str = ""
    grafana: str = ""
    links: dict[str, str]
    admin: dict[str, str]
    logs: str
    dead: list[str] = []


class Condition(StrEnum):
    """What `status` can find."""

    RUNNING = "running"
    STARTING = "starting"
    DIED = "died"
    STOPPED = "stopped"


class Refusal(msgspec.Struct, frozen=True):
    """Why the lab did not start; `usage` when the user can put it right."""

    message: str
    usage: bool


class Places:
    """The files of a checkout's standing lab."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".rulezero"
        self.state = self.folder / "lab.json"
        self.lock = self.folder / "lab.lock"
        self.log = self.folder / "lab.log"
        self.logs = self.folder / "logs"


async def up(description: ShopDescription, *, port: int = 0) -> State:
    """Start a lab that outlives this process, its entry at `port` (0: any), and return where it is. Raises Problem."""
    places = Places(description.root)
    condition, state = status(description.root)
    if condition in {Condition.RUNNING, Condition.STARTING}:
        where = f" at {state.entry}" if state else ""
        raise UsageProblem(f"a lab is {condition}{where}; `rulezero down` ends it")
    await asyncio.to_thread(places.folder.mkdir, exist_ok=True)
    if state is not None:  # Its keeper may not have finished tidying up.
        await _freed(state.entry)
    places.state.unlink(missing_ok=True)
    ours, theirs = socket.socketpair()
    with theirs:
        launcher = _launch(description, port, places, theirs)
    try:
        answer = await _first_line(ours, places)
    finally:
        await asyncio.to_thread(launcher.wait)
    told = msgspec.json.decode(answer)
    if "message" in told:
        raise (UsageProblem if told["usage"] else Problem)(told["message"])
    return msgspec.convert(told, State)


def status(root: Path) -> tuple[Condition, State | None]:
    """Return what became of the checkout's standing lab, and its state as last written."""
    places = Places(root)
    alive = holder(places.lock) is not None
    try:
        state = msgspec.json.decode(places.state.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return (Condition.STARTING if alive else Condition.STOPPED), None
    return (Condition.RUNNING if alive else Condition.DIED), state


async def down(root: Path) -> Condition:
    """End the standing lab and return what it was; removes the state that a dead one left. Raises Problem."""
    places = Places(root)
    condition, _ = status(root)
    pid = holder(places.lock)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                while holder(places.lock) is not None:  # noqa: ASYNC110 - another process's lock has no event.
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise Problem(f"the lab, process {pid}, does not end; kill it, then `rulezero down` again") from None
    places.state.unlink(missing_ok=True)
    return condition


async def _freed(address: str) -> None:
    port = int(address.rpartition(":")[2])
    for _ in range(_FREED_ATTEMPTS):
        if is_free(port):
            return
        await asyncio.sleep(_POLL_S)


async def _first_line(ours: socket.socket, places: Places) -> bytes:
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            answer = await reader.readline()
    except TimeoutError:
        raise Problem(f"the lab is not ready after {START_TIMEOUT_S:g} s; see {places.log}") from None
    finally:
        writer.close()
    if not answer:
        raise Problem(f"the lab ended while it started; see {places.log}")
    return answer


def _launch(description: ShopDescription, port: int, places: Places, ready: socket.socket) -> subprocess.Popen[bytes]:
    descriptor = ready.fileno()
    command = [sys.executable, "-m", "rulezero.lab.standing_process"]
    with places.log.open("ab") as output:
        return subprocess.Popen(
            [*command, str(description.path), str(description.root), str(port), str(descriptor)],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=description.root,
        )
