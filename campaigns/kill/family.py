"""The processes of a place: which there are, what each is in the lab, where they listen, what memory they share."""

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import psutil

from campaigns.kill.place import Place

KEEPER, LOCUST = "keeper", "locust"
HOLDER_MODULE = "rulezero.lab.standing_process"
_KEEPER_MODULE = "rulezero.lab.keeper"
_STANDARD_ERROR = 2
_SHARED_MEMORY = Path("/proc/sysvipc/shm")
_CREATOR, _IDENTIFIER = 4, 1


def processes_of(place: Place) -> list[psutil.Process]:
    """Return the processes that a place started and that still live, wherever they are in the tree."""
    return [process for process in psutil.process_iter() if _belongs(process, place)]


def _belongs(process: psutil.Process, place: Place) -> bool:
    # PostgreSQL writes its title over its environment, but it stays in its folder.
    folder = str(place.folder)
    for look in (_folder, _temporary, _words):
        with contextlib.suppress(psutil.Error, OSError):
            if folder in look(process):
                with contextlib.suppress(psutil.Error):
                    return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _folder(process: psutil.Process) -> str:
    return str(process.cwd())


def _temporary(process: psutil.Process) -> str:
    return str(process.environ().get("TMPDIR", ""))


def _words(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def roles(runner: psutil.Process) -> dict[str, psutil.Process]:
    """Return the keeper, the load generator and every part under a runner; a part is told by the log it writes to."""
    found: dict[str, psutil.Process] = {}
    with contextlib.suppress(psutil.Error, OSError):
        for child in runner.children():
            words = child.cmdline()
            if _KEEPER_MODULE in words:
                found[KEEPER] = child
                found |= dict(_parts(child))
            elif LOCUST in words:
                found[LOCUST] = child
    return found


def _parts(keeper: psutil.Process) -> Iterator[tuple[str, psutil.Process]]:
    for part in keeper.children():
        with contextlib.suppress(psutil.Error, OSError):
            for file in part.open_files():
                if file.fd == _STANDARD_ERROR and Path(file.path).stem != KEEPER:
                    yield Path(file.path).stem, part


def holder(place: Place) -> psutil.Process | None:
    """Return the process that holds a standing lab, or is about to: it has a session to itself."""
    for process in processes_of(place):
        with contextlib.suppress(psutil.Error, OSError):
            if HOLDER_MODULE in process.cmdline() and os.getsid(process.pid) == process.pid:
                return process
    return None


def listening(processes: Iterable[psutil.Process]) -> set[int]:
    """Return the ports that processes listen on."""
    pids = {process.pid for process in processes}
    # One look for all: asking for one process reads the whole machine's table too.
    found = psutil.net_connections("tcp") if pids else []
    return {one.laddr.port for one in found if one.laddr and one.pid in pids and one.status == psutil.CONN_LISTEN}


def shared_memory(creators: Collection[int]) -> list[str]:
    """Return the System V segments that these processes made and that are still there."""
    try:
        lines = _SHARED_MEMORY.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return []
    return [fields[_IDENTIFIER] for fields in map(str.split, lines) if int(fields[_CREATOR]) in creators]
