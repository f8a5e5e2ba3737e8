"""Whatever is killed, at whatever moment, nothing of the lab survives and the next start works."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from rulezero.lab import directory
from rulezero.lab.lab import open_lab
from rulezero.lab.ports import is_free
from tests.lab.support import CHECKOUT, files_in, leftovers, names, processes_in, toy_shop, until

pytestmark = [pytest.mark.wall_clock, pytest.mark.end_to_end]

START_MAX_S = 2.0


@contextlib.asynccontextmanager
async def runner(tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    description = toy_shop(tmp_path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.lab.runner", str(description.path), str(tmp_path / "logs")),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def told(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return json.loads(await process.stdout.readline())


async def assert_gone(place: Path, ports: list[int]) -> None:
    with contextlib.suppress(TimeoutError):
        await until(lambda: not leftovers(place))
    assert names(processes_in(place)) == []
    assert [port for port in ports if not is_free(port)] == []


async def assert_next_start_works(place: Path, tmp_path: Path) -> None:
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs") as lab:
        assert lab.exits() == []
    assert leftovers(place) == []


def chance(request: pytest.FixtureRequest) -> random.Random:
    seed = random.SystemRandom().randrange(2**32)
    print(f"{request.node.name}: seed {seed}")  # noqa: T201 - a failure can be repeated with it.
    return random.Random(seed)


@pytest.mark.parametrize("attempt", range(2))
async def test_killing_the_runner_at_any_moment(
    place: Path, tmp_path: Path, request: pytest.FixtureRequest, attempt: int
) -> None:
    """From its first instruction to a running lab: the keeper ends everything and removes the directory itself."""
    async with runner(tmp_path) as process:
        if attempt:
            await asyncio.sleep(chance(request).uniform(0, START_MAX_S))
            ports = []
        else:
            ports = (await told(process))["ports"]
        process.kill()
        await process.wait()
        await assert_gone(place, ports)
    directory.sweep()  # A runner killed before it had a keeper leaves its directory to the next one.
    assert leftovers(place) == []
    await assert_next_start_works(place, tmp_path)


@pytest.mark.parametrize("victim", ["keeper", "primary", "standby", "cache", "toxiproxy", "payment"])
async def test_killing_a_part_ends_the_run_with_its_name(
    place: Path, tmp_path: Path, request: pytest.FixtureRequest, victim: str
) -> None:
    """The runner hears of it, and after the runner nothing is left."""
    async with runner(tmp_path) as process:
        found = await told(process)
        await asyncio.sleep(chance(request).uniform(0, 0.2))
        os.kill(found["processes"][victim][0], signal.SIGKILL)
        assert victim in await told(process)
        await process.wait()
        await assert_gone(place, found["ports"])
    assert leftovers(place) == []
    if victim in {"keeper", "primary"}:  # The two that could leave something behind.
        await assert_next_start_works(place, tmp_path)


async def test_killing_runner_and_keeper_together_even_with_paused_parts(place: Path, tmp_path: Path) -> None:
    """The parts end with their parent; the next start ends those that were stopped, and removes the directory."""
    async with runner(tmp_path) as process:
        found = await told(process)
        for name in ("primary", "cache", "payment"):
            for pid in found["processes"][name]:
                psutil.Process(pid).suspend()
        process.kill()
        os.kill(found["processes"]["keeper"][0], signal.SIGKILL)
        await process.wait()
        assert directory.sweep() != []
        await assert_gone(place, found["ports"])
    assert leftovers(place) == []
    await assert_next_start_works(place, tmp_path)


@pytest.mark.parametrize("attempt", range(2))
async def test_interrupting_a_start_leaves_nothing(
    place: Path, tmp_path: Path, request: pytest.FixtureRequest, attempt: int
) -> None:
    """Ctrl-C in the middle of a start: the runner itself returns only when all is gone."""
    async with runner(tmp_path) as process:
        await until(lambda: leftovers(place))
        await asyncio.sleep(chance(request).uniform(0, START_MAX_S / (2 + attempt)))
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            _, errors = await process.communicate()
        assert leftovers(place) == []
        assert b"never retrieved" not in errors


async def test_two_runners_make_the_same_template_at_once(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both start, one template remains, and each removes its own directory only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    async with runner(tmp_path) as one, runner(tmp_path) as other:
        found = [await told(one), await told(other)]
        assert len(files_in(tmp_path / "cache" / "rulezero")) == 1
        one.send_signal(signal.SIGINT)
        await one.wait()
        assert [is_free(port) for port in found[0]["ports"]] == [True] * len(found[0]["ports"])
        assert psutil.pid_exists(found[1]["processes"]["primary"][0])
        other.send_signal(signal.SIGINT)
        await other.wait()
    assert leftovers(place) == []
