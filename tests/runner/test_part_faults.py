"""Parts that are killed and come back: in time, told in the metrics, and with the defences of their arm."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from rulezero.errors import Problem
from rulezero.faults import Kill
from rulezero.lab.lab import Lab
from rulezero.runner.part_faults import Parts
from tests.runner.fakes import FAULT_START_S, PROOF, FakeParts, FakeToxiproxy, injector, samples

CRASH = Kill(part="mailer", at_s=0.1, for_s=0.2, signature=PROOF)


async def test_a_part_is_killed_and_started_again_at_its_instants(tmp_path: Path) -> None:
    """How long it was away is noted until it is ready, and told as a fault of that part."""
    parts = FakeParts(slow_s=0.3)
    one = injector(FakeToxiproxy(), tmp_path, CRASH, parts=parts)
    await one.run()
    killed_s = FAULT_START_S + 0.1
    assert [(what, name) for what, name, _ in parts.asked] == [("kill", "mailer"), ("start", "mailer")]
    assert [at_s - one.zero_s for _, _, at_s in parts.asked] == pytest.approx([killed_s, killed_s + 0.2 + 0.3])
    (noted,) = one.injected
    assert (noted["kind"], noted["at"], noted["text"]) == ("kill", "mailer", CRASH.text)
    assert (noted["start_s"], noted["end_s"]) == (pytest.approx(killed_s), pytest.approx(killed_s + 0.5))
    last = samples(one)[-1]
    assert 'type="kill"' in last[3]
    assert last[4] == "0"


@pytest.mark.parametrize(("after_s", "expected"), [(0.2, []), (0.35, ["kill", "start"])])
async def test_a_run_that_is_cancelled_leaves_nothing_dead(tmp_path: Path, after_s: float, expected: list[str]) -> None:
    """Whoever goes on with the lab finds it whole."""
    parts = FakeParts()
    one = injector(FakeToxiproxy(), tmp_path, CRASH, parts=parts)
    running = asyncio.create_task(one.run())
    await asyncio.sleep(after_s)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    samples(one)
    assert [what for what, _, _ in parts.asked] == expected


async def test_a_part_that_does_not_come_back_ends_the_run(tmp_path: Path) -> None:
    """After a second try."""
    parts = FakeParts(refuse=("start",))
    one = injector(FakeToxiproxy(), tmp_path, CRASH, parts=parts)
    with pytest.raises(Problem, match="start was refused"):
        await one.run()
    samples(one)
    assert [what for what, _, _ in parts.asked] == ["kill", "start", "start"]


class FakeLab(SimpleNamespace):
    """Notes what it is asked."""

    async def kill(self, name: str) -> None:
        self.log.append(f"kill {name}")

    async def start_again(self, name: str) -> None:
        self.log.append(f"start {name}")


async def test_a_service_gets_its_defences_again_and_a_program_has_none() -> None:
    """Started anew it knows of no arm."""
    log: list[str] = []

    async def restore(name: str) -> None:
        log.append(f"restore {name}")

    lab = FakeLab(log=log, admin_addresses={"mailer": "127.0.0.1:1"})
    parts = Parts(cast("Lab", lab), restore)
    for name in ("mailer", "queue"):
        await parts.kill(name)
        await parts.start_again(name)
    assert log == ["kill mailer", "start mailer", "restore mailer", "kill queue", "start queue"]
