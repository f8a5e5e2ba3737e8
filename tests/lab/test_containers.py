"""Containers: an end that nobody asked for is news, with what it said; any other end is not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rulezero.errors import Problem
from rulezero.lab import containers as containers_module
from rulezero.lab import ready
from rulezero.lab.containers import Containers, states
from tests.lab.fake_docker import PROJECT, FakeDocker, install

pytestmark = pytest.mark.wall_clock
WITHIN_S = 10.0


@asynccontextmanager
async def watched(logs: Path, *, pids: bool = True) -> AsyncIterator[Containers]:
    containers = Containers(PROJECT, logs, pids=pids)
    await containers.open()
    await asyncio.sleep(0.3)  # `docker events` tells what happens from when it listens.
    try:
        yield containers
    finally:
        await containers.close()


async def until(holds: Callable[[], bool]) -> None:
    async def probe() -> bool:
        return holds()

    async with asyncio.timeout(WITHIN_S):
        await ready.until(probe)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return install(tmp_path, monkeypatch)


async def test_an_end_by_itself_is_told(fake: FakeDocker, tmp_path: Path) -> None:
    """How it ended and what it said last; a signal by its name."""
    async with watched(tmp_path / "logs") as containers:
        assert containers.lives("edge")
        fake.tell_end("edge", 137)
        await until(lambda: not containers.lives("edge"))
        with pytest.raises(Problem, match="edge ended with killed by SIGKILL"):
            containers.require("edge")
        await until(lambda: bool(containers.exits()))
        (one,) = containers.exits()
    assert (one.name, one.status) == ("edge", "killed by SIGKILL")
    assert "fatal: it is over" in one.log_tail


async def test_an_end_is_news_though_its_words_come_too_late(
    fake: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is the next one."""
    monkeypatch.setattr(containers_module, "_TELLS_S", 0.0)
    async with watched(tmp_path / "logs") as containers:
        fake.tell_end("edge", 137)
        fake.tell_end("payment", 1)
        await until(lambda: len(containers.exits()) == 2)
    assert [(one.name, one.log_tail) for one in containers.exits()] == [("edge", ()), ("payment", ())]


async def test_an_end_on_purpose_is_no_news(fake: FakeDocker, tmp_path: Path) -> None:
    """Nor one of a container that had the name before."""
    async with watched(tmp_path / "logs") as containers:
        containers.expect_end(["edge"])
        fake.tell_end("payment", 1, identity="payment-0")
        fake.tell_end("edge", 1)  # Its news comes after the change.
        await until(lambda: not containers.lives("edge"))
        assert containers.lives("payment")
        assert containers.exits() == []


async def test_a_killed_one_starts_again(fake: FakeDocker, tmp_path: Path) -> None:
    """As the same container; the next end by itself is news again."""
    async with watched(tmp_path / "logs") as containers:
        await containers.kill("payment")
        assert not containers.lives("payment")
        await asyncio.sleep(0.3)
        await containers.start("payment")
        assert containers.lives("payment")
        assert containers.exits() == []
        fake.tell_end("payment", 3)
        await until(lambda: bool(containers.exits()))
    assert fake.said("start", "payment-1")
    assert fake.said("kill", "KILL", "payment-1")


async def test_process_ids_of_another_machine_are_none(fake: FakeDocker, tmp_path: Path) -> None:
    """An engine in a virtual machine counts for itself."""
    async with watched(tmp_path / "logs", pids=False) as containers:
        assert containers.processes() == {}
    assert fake.said("inspect")


async def test_logs_are_kept_and_added_to(fake: FakeDocker, tmp_path: Path) -> None:
    """A file for each, of this run only."""
    async with watched(tmp_path / "logs") as containers:
        await containers.keep_logs(["edge", "nobody"], "2026-11-22T12:00:00+00:00")
        await containers.keep_logs(["edge"])
        assert containers.log("edge").read_text(encoding="utf-8").count("edge-1 begins") == 2
    assert fake.said("logs", "--since", "2026-11-22T12:00:00+00:00")
    assert not (tmp_path / "logs/nobody.log").exists()


async def test_who_runs_is_told(fake: FakeDocker) -> None:
    """By the service's name."""
    fake.tell_end("cache", 0)
    found = await states(PROJECT)
    assert (found["cache"], found["edge"]) == ("exited", "running")
