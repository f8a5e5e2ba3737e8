import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from rulezero.errors import StorageProblem
from rulezero.lab import directory

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def abandoned(place: Path) -> Path:
    """Return the directory of a runner that is dead."""
    folder = place / f"rulezero-{dead_pid()}-abc123"
    folder.mkdir(mode=0o700)
    return folder


def test_a_directory_is_private_and_lives_as_long_as_its_owner(place: Path) -> None:
    """The next start leaves a living runner's directory alone."""
    folder = directory.create()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert directory.owner_lives(folder)
    assert directory.sweep() == []
    directory.remove(folder)
    assert list(place.iterdir()) == []


def test_who_else_has_a_lab(place: Path) -> None:
    """Living owners but this process; what a dead one left is nobody."""
    directory.create()
    abandoned(place)
    with subprocess.Popen(SLEEP) as other:
        (place / f"rulezero-{other.pid}-abc123").mkdir(mode=0o700)
        assert directory.other_owners() == [other.pid]
        other.kill()
    assert directory.other_owners() == []


def test_what_a_dead_runner_left_is_removed_with_its_processes(place: Path) -> None:
    """Those recorded as its parts are ended first."""
    folder = abandoned(place)
    (folder / "primary").mkdir()
    with subprocess.Popen(SLEEP) as part:
        directory.record_part(folder, part.pid)
        assert directory.sweep() == [folder]
        assert part.poll() is not None
    assert list(place.iterdir()) == []


def test_a_part_that_has_ended_does_not_hide_its_children(place: Path, tmp_path: Path) -> None:
    """They are known by the keeper's session and the lab's directory, and neither alone is enough."""
    folder = abandoned(place)
    command = "cd {}; sleep 60 & echo $! $$; exec sleep 60"
    scripts = [command.format(where) for where in (folder, tmp_path)]
    inside, outside = (
        subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE, text=True)
        for script in scripts
    )
    with inside, outside, subprocess.Popen(SLEEP, cwd=folder) as visitor:
        assert inside.stdout is not None
        child = psutil.Process(int(inside.stdout.readline().split()[0]))
        (folder / "parts").write_text(f"{inside.pid} 12345.0\n", encoding="ascii")
        directory.kill_parts(folder)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        assert visitor.poll() is None
        (folder / "parts").write_text(f"{outside.pid} 12345.0\n", encoding="ascii")
        directory.kill_parts(folder)
        assert outside.poll() is None
        visitor.kill()
        os.killpg(outside.pid, 9)


def test_a_process_number_used_again_is_not_killed(place: Path) -> None:
    """A part is named by number and start time."""
    folder = abandoned(place)
    with subprocess.Popen(SLEEP) as stranger:
        (folder / "parts").write_text(f"{stranger.pid} 12345.0\nnonsense\n", encoding="ascii")
        (folder / "owner").write_text(f"{os.getpid()} 12345.0", encoding="ascii")
        assert directory.sweep() == [folder]
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("trick", ["link", "writable by all", "other name", "file"])
def test_what_is_not_surely_ours_is_left_alone(place: Path, tmp_path: Path, trick: str) -> None:
    """Anyone may write to the folder of temporary files: a forged list must not make us kill our own processes."""
    with subprocess.Popen(SLEEP) as own:
        target = tmp_path / "forged"
        target.mkdir()
        (target / "parts").write_text(f"{own.pid} {psutil.Process(own.pid).create_time()}\n", encoding="ascii")
        name = place / f"rulezero-{dead_pid()}-abc123"
        match trick:
            case "link":
                name.symlink_to(target)
            case "writable by all":
                target.rename(name)
                name.chmod(0o777)
            case "other name":
                target.rename(place / "rulezero-notes-2026")
            case _:
                name.touch()
        assert directory.sweep() == []
        assert own.poll() is None
        own.kill()


def test_a_full_or_missing_temporary_folder_is_a_storage_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the folder and the remedy."""
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    with pytest.raises(StorageProblem, match=r"/no/such/folder: No such file or directory; .* set TMPDIR"):
        directory.create()


def test_children_of_a_process_that_ended_are_none() -> None:
    """Looking at a process that has just ended is no error."""
    assert directory.children(dead_pid()) == []
