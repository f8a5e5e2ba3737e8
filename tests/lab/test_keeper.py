"""The keeper by itself, at the other end of its socket."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rulezero.errors import Problem
from rulezero.lab import directory
from rulezero.lab.control import Control, start_keeper
from rulezero.lab.messages import Exited, Preload, Signal, Start
from tests.lab.support import CHECKOUT, leftovers, until

pytestmark = pytest.mark.wall_clock

STUBBORN = "trap '' TERM; echo ready; while true; do sleep 0.01; done"


@contextlib.asynccontextmanager
async def keeper(logs: Path, heard: list[Exited | None]) -> AsyncIterator[tuple[Control, Path]]:
    folder = directory.create()
    control = await start_keeper(folder, CHECKOUT, logs / "keeper.log", heard.append)
    try:
        yield control, folder
    finally:
        await control.close()


def shell(script: str, folder: Path, name: str = "part") -> Start:
    return Start(name=name, argv=["/bin/sh", "-c", script], log=str(folder / name), folder=str(folder))


async def test_an_exit_is_told_with_its_status(place: Path, tmp_path: Path) -> None:
    """By status or by signal, and the output is in the log."""
    heard: list[Exited | None] = []
    async with keeper(tmp_path, heard) as (control, folder):
        one = await control.ask(shell("echo hello; exit 3", folder, "one"))
        await until(lambda: len(heard) == 1)
        assert (folder / "one").read_text(encoding="utf-8") == "hello\n"
        two = await control.ask(shell("sleep 60", folder, "two"))
        await control.ask(Signal("two", signal.SIGTERM))
        await until(lambda: len(heard) == 2)
    assert heard == [Exited("one", one.pid, 3), Exited("two", two.pid, -signal.SIGTERM)]
    assert leftovers(place) == []


async def test_the_stubborn_the_paused_and_the_orphaned_end_with_the_keeper(place: Path, tmp_path: Path) -> None:
    """One that ignores SIGTERM, one that is stopped, and a grandchild whose parent has ended."""
    heard: list[Exited | None] = []
    async with keeper(tmp_path, heard) as (control, folder):
        await control.ask(shell(STUBBORN, folder, "stubborn"))
        paused = await control.ask(shell("sleep 60", folder, "paused"))
        os.kill(paused.pid, signal.SIGSTOP)
        await control.ask(shell("setsid sleep 60 & exit 0", folder, "parent"))
        await until(lambda: [exited.name for exited in heard if exited] == ["parent"])
        await until(lambda: (folder / "stubborn").read_bytes() == b"ready\n")
    assert leftovers(place) == []


async def test_a_program_that_is_not_there_says_so_in_its_log(place: Path, tmp_path: Path) -> None:
    """It counts as a part that ended."""
    heard: list[Exited | None] = []
    async with keeper(tmp_path, heard) as (control, folder):
        start = Start(name="part", argv=["/no/such/program"], log=str(folder / "log"), folder=str(folder))
        await control.ask(start)
        await until(lambda: heard)
        assert "part: [Errno 2] No such file or directory" in (folder / "log").read_text(encoding="utf-8")
    assert leftovers(place) == []


async def test_a_module_that_fails_or_starts_threads_is_refused(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads do not survive a fork; the keeper itself goes on."""
    (tmp_path / "broken_toy.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "busy_toy.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    async with keeper(tmp_path, []) as (control, _):
        with pytest.raises(Problem, match=r"broken_toy cannot be imported .ZeroDivisionError: division by zero."):
            await control.ask(Preload("broken_toy"))
        with pytest.raises(Problem, match="busy_toy starts a thread when imported"):
            await control.ask(Preload("busy_toy"))
    assert leftovers(place) == []


async def test_a_dead_keeper_is_noticed_and_asking_it_fails(place: Path, tmp_path: Path) -> None:
    """Its parts end with it; what it could not remove is removed by the runner."""
    heard: list[Exited | None] = []
    async with keeper(tmp_path, heard) as (control, folder):
        await control.ask(shell("sleep 60", folder))
        os.kill(control.pid, signal.SIGKILL)
        await until(lambda: heard)
        assert heard == [None]
        with pytest.raises(Problem, match="the keeper of the lab has died"):
            await control.ask(Preload("json"))
    assert leftovers(place) == []
