"""The lab's temporary directory: who owns it, which processes belong to it, and how both disappear.

`rulezero-<pid>-<random>` under the system's folder for such things. It holds the data of the parts, the file `owner`
(the runner) and the file `parts` (the keeper and every process it started). A process is named by id and start time,
so that a number used again is never mistaken for it.
"""

import contextlib
import os
import re
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import psutil

from rulezero.errors import StorageProblem
from rulezero.lab import kernel

PREFIX = "rulezero-"
_OWNER = "owner"
_PARTS = "parts"
_NAME = re.compile(rf"{PREFIX}\d+-\w+")
_SAME_START_S = 1.0
_KILL_TIMEOUT_S = 5.0
_POSTMASTER_FILE = "postmaster.pid"
_SHARED_MEMORY_LINE = 6


def create() -> Path:
    """Make a directory owned by this process. Raises StorageProblem."""
    parent = Path(tempfile.gettempdir())
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        (folder / _OWNER).write_text(_identify(os.getpid()), encoding="ascii")
    except OSError as error:
        raise StorageProblem(f"{parent}: {error.strerror}; make room there or set TMPDIR to another folder") from error
    return folder


def record_part(folder: Path, pid: int) -> None:
    """Note that a process belongs to the lab, for whoever must end it if the keeper cannot."""
    with contextlib.suppress(psutil.NoSuchProcess), (folder / _PARTS).open("a", encoding="ascii") as parts:
        parts.write(_identify(pid) + "\n")


def remove(folder: Path) -> None:
    """Delete the directory and the shared memory of the databases in it. What cannot be deleted stays."""
    for postmaster in folder.glob(f"*/{_POSTMASTER_FILE}"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            key, identifier = postmaster.read_text(encoding="utf-8").splitlines()[_SHARED_MEMORY_LINE].split()
            kernel.remove_shared_memory(int(key), int(identifier), owner=postmaster.stat().st_uid)
    shutil.rmtree(folder, ignore_errors=True)


def kill_parts(folder: Path) -> None:
    """End by force every recorded process that still lives, with its descendants, and wait until they are gone."""
    try:
        lines = (folder / _PARTS).read_text(encoding="ascii").splitlines()
    except OSError:
        return
    doomed = [process for line in lines if (process := _find(line))]
    for process in list(doomed):
        with contextlib.suppress(psutil.NoSuchProcess):
            doomed += process.children(recursive=True)
    doomed += _orphans(folder, lines)
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(doomed, timeout=_KILL_TIMEOUT_S)


def sweep() -> list[Path]:
    """Remove the directories of dead runners, and what lives of their labs. Returns what was removed."""
    stale = [folder for folder in _ours() if not owner_lives(folder)]
    for folder in stale:
        kill_parts(folder)
        remove(folder)
    return stale


def other_owners() -> list[int]:
    """Return the process ids of whoever else has a lab on this machine, as far as this user may see."""
    owners = {int(folder.name.split("-")[1]) for folder in _ours() if owner_lives(folder)}
    return sorted(owners - {os.getpid()})


def owner_lives(folder: Path) -> bool:
    """Return whether the process that made the directory is running."""
    try:
        return _find((folder / _OWNER).read_text(encoding="ascii")) is not None
    except OSError:
        # Made a moment ago, or never finished: then only the name tells.
        return psutil.pid_exists(int(folder.name.split("-")[1]))


def _ours() -> list[Path]:
    return [folder for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if _is_ours(folder)]


def _is_ours(folder: Path) -> bool:
    """Anyone may write to the shared folder, and a forged list would have us kill our own processes."""
    if not _NAME.fullmatch(folder.name):
        return False
    try:
        found = folder.lstat()
    except OSError:
        return False
    foreign = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & foreign


def _orphans(folder: Path, lines: list[str]) -> list[psutil.Process]:
    """Find the children of parts that have ended already: in the keeper's session, and in the lab's directory.

    Each alone could be a stranger: a session's number used again, a shell of someone who looks around.
    """
    found = []
    session = lines[0].partition(" ")[0] if lines else ""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if str(os.getsid(process.pid)) == session and Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return found


def _identify(pid: int) -> str:
    return f"{pid} {psutil.Process(pid).create_time()}"


def _find(text: str) -> psutil.Process | None:
    number, _, start_s = text.partition(" ")
    try:
        process = psutil.Process(int(number))
        alive = abs(process.create_time() - float(start_s)) < _SAME_START_S and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return None
    return process if alive else None


def children(pid: int) -> list[int]:
    """Return the process ids of all descendants."""
    try:
        return [process.pid for process in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
