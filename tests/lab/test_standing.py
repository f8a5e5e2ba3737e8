import os
import signal
from pathlib import Path

import msgspec
import pytest

from rulezero.errors import Problem, UsageProblem
from rulezero.lab.description import ShopDescription
from rulezero.lab.lab import open_lab
from rulezero.lab.ports import is_free
from rulezero.lab.standing import Condition, Places, State, down, status, up
from tests.lab.support import CHECKOUT, files_in, leftovers, toy_shop, until


def checkout(folder: Path, app: str = "tests.lab.toy:app") -> ShopDescription:
    """Return a toy shop whose checkout is a folder of its own."""
    (folder / "tests").symlink_to(CHECKOUT / "tests")
    return msgspec.structs.replace(toy_shop(folder, app=app), root=folder)


async def test_nothing_stands_in_a_fresh_checkout(tmp_path: Path) -> None:
    """Asking changes nothing, and taking down what does not stand is no error."""
    assert status(tmp_path) == (Condition.STOPPED, None)
    assert await down(tmp_path) is Condition.STOPPED
    assert files_in(tmp_path) == []


def test_a_state_without_its_process_has_died(tmp_path: Path) -> None:
    """The lock tells, not the process id, which may be somebody else's by now."""
    places = Places(tmp_path)
    places.folder.mkdir()
    state = State(
        pid=os.getpid(),
        started_at="2026-11-22T10:00:00+00:00",
        entry="127.0.0.1:1",
        toxiproxy_api="127.0.0.1:2",
        primary="",
        standby="",
        cache="",
        links={},
        admin={},
        logs="",
    )
    places.state.write_bytes(msgspec.json.encode(state))
    places.lock.write_text(str(os.getpid()), encoding="ascii")
    assert status(tmp_path) == (Condition.DIED, state)


@pytest.mark.wall_clock
@pytest.mark.end_to_end
async def test_a_lab_stands_until_it_is_taken_down_or_killed(place: Path, tmp_path: Path) -> None:
    """Up, a second up, kill -9 of its process, up again on the same port, the death of a part, down."""
    shop = checkout(tmp_path)
    first = await up(shop)
    assert status(tmp_path) == (Condition.RUNNING, first)
    with pytest.raises(UsageProblem, match=f"a lab is running at {first.entry}; `rulezero down` ends it"):
        await up(shop)

    os.kill(first.pid, signal.SIGKILL)
    await until(lambda: status(tmp_path)[0] is Condition.DIED)
    port = int(first.entry.rpartition(":")[2])
    second = await up(shop, port=port)
    assert second.entry == first.entry
    assert second.pid != first.pid

    async with open_lab(shop, logs=tmp_path / "logs") as lab:  # A run beside it does not disturb it.
        assert lab.entry != second.entry
    assert status(tmp_path) == (Condition.RUNNING, second)
    assert await down(tmp_path) is Condition.RUNNING
    assert status(tmp_path) == (Condition.STOPPED, None)
    assert is_free(port)
    await until(lambda: not leftovers(place))


@pytest.mark.wall_clock
@pytest.mark.end_to_end
async def test_a_lab_that_does_not_start_says_why(place: Path, tmp_path: Path) -> None:
    """The reason crosses from the detached process, in one line, and nothing stays."""
    with pytest.raises(Problem, match=r"payment did not start: exit status 1 \(no capacity left for toys\)"):
        await up(checkout(tmp_path, app="tests.lab.toy:dies"))
    await until(lambda: not leftovers(place))
    assert status(tmp_path) == (Condition.STOPPED, None)
