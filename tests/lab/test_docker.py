"""Docker's command line: what goes wrong is one line, and nothing hangs."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from rulezero.errors import Problem, UsageProblem
from rulezero.lab.docker import docker, said
from tests.lab.fake_docker import install

pytestmark = pytest.mark.wall_clock


async def test_a_command_returns_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a log has both streams of its container."""
    install(tmp_path, monkeypatch)
    assert await docker("version", "--format", "{{.Server.Version}}") == "29.1.0\n"
    assert sorted((await said("edge-1", tail=5)).splitlines()) == ["edge-1 begins", "fatal: it is over"]


async def test_a_failure_is_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words of the command that matter."""
    install(tmp_path, monkeypatch).refuse("up", "port is already allocated")
    with pytest.raises(Problem, match=r"^docker compose up edge: port is already allocated$"):
        await docker("compose", "--file", "/somewhere/compose.yaml", "up", "--detach", "edge")


async def test_no_docker_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And names the remedy."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageProblem, match=re.escape("rulezero doctor --target compose")):
        await docker("info")


async def test_what_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its bound, and when nobody waits any more."""
    install(tmp_path, monkeypatch)
    began_s = time.monotonic()
    with pytest.raises(Problem, match=r"docker events has not ended after 0\.5 s"):
        await docker("events", timeout_s=0.5)
    waiting = asyncio.create_task(docker("events"))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert time.monotonic() - began_s < 10
