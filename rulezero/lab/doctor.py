"""What a machine needs to run the lab: programs, ports, memory, cores, room, and the right to fork. Says what to do."""

import asyncio
import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from rulezero.errors import Problem
from rulezero.lab import directory
from rulezero.lab.control import start_keeper
from rulezero.lab.grafana import find_grafana
from rulezero.lab.identity import Identity
from rulezero.lab.kernel import LINUX
from rulezero.lab.messages import Identify
from rulezero.lab.ports import LOOPBACK, Ports, listen
from rulezero.lab.programs import find_cache_server, find_postgres, find_queue_server, version_of
from rulezero.lab.prometheus import find_prometheus
from rulezero.lab.template import cache_folder
from rulezero.toxiproxy.find import find_toxiproxy_server

MEMORY_MIN_BYTES = 600 * 2**20
CORES_MIN = 2
TEMPORARY_MIN_BYTES = 500 * 2**20
CACHE_MIN_BYTES = 100 * 2**20
OPEN_FILES_MIN = 4096
_PORTS_NEEDED = 48


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `detail` is what was found, `remedy` what to do when it is not `ok`."""

    name: str
    detail: str
    ok: bool = True
    remedy: str = ""


async def examine(root: Path) -> list[Finding]:
    """Look at everything the lab needs. Each finding stands alone: one that fails does not hide the next."""
    found = await asyncio.to_thread(_examine_machine)
    return [*found, await _keeper(root)]


def judge_memory(available_bytes: int) -> Finding:
    """Compare with what the whole lab and the load generator take at their peak, and some room."""
    return Finding(
        "memory",
        f"{_mib(available_bytes)} available",
        ok=available_bytes >= MEMORY_MIN_BYTES,
        remedy=f"free some: the lab wants {_mib(MEMORY_MIN_BYTES)}",
    )


def judge_cores(usable: int) -> Finding:
    """Ask for two: on one core the load generator and the system measure each other."""
    return Finding(
        "cores",
        f"{usable} usable",
        ok=usable >= CORES_MIN,
        remedy=f"use a machine with {CORES_MIN} cores; with fewer a run measures the machine, not the system",
    )


def judge_open_files(hard_limit: int) -> Finding:
    """Judge the limit that a process may raise its own to: every request in flight holds several descriptors."""
    unlimited = hard_limit == resource.RLIM_INFINITY
    return Finding(
        "open files",
        "unlimited" if unlimited else f"at most {hard_limit}",
        ok=unlimited or hard_limit >= OPEN_FILES_MIN,
        remedy=f"raise the hard limit to {OPEN_FILES_MIN}: `ulimit -Hn` as root, or /etc/security/limits.conf",
    )


def judge_room(name: str, folder: Path, needed_bytes: int, variable: str) -> Finding:
    """Look whether a folder can be made and written to, and has room."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free_bytes = shutil.disk_usage(folder).free
        detail = f"{folder}: {_mib(free_bytes)} free"
    except OSError as error:
        free_bytes = 0
        detail = f"{folder}: {error.strerror}"
    return Finding(
        name,
        detail,
        ok=free_bytes >= needed_bytes,
        remedy=f"make room, or set {variable} to a writable folder with {_mib(needed_bytes)} free",
    )


def judge_identity(identity: Identity) -> Finding:
    """Say how parts are started, and as whom PostgreSQL runs, which refuses root."""
    how = "forks" if LINUX else "spawns, which starts services more slowly"
    if identity.namespace:
        how += "; PostgreSQL runs in a user namespace, since this is root"
    elif identity.user is not None:
        how += f"; PostgreSQL runs as user {identity.user}, since this is root"
    return Finding("processes", how)


def _examine_machine() -> list[Finding]:
    return [
        Finding("python", f"{platform.python_version()} on {platform.platform()}"),
        _program("postgresql", _describe_postgres),
        _program("cache server", _describe_cache),
        _program("queue server", _describe_queue),
        _program("toxiproxy", _describe_toxiproxy),
        _program("prometheus", lambda: _describe_optional(find_prometheus())),
        _program("grafana", lambda: _describe_optional(_grafana_program())),
        _ports(),
        judge_memory(psutil.virtual_memory().available),
        judge_cores(_usable_cores()),
        judge_open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        judge_room("temporary folder", Path(tempfile.gettempdir()), TEMPORARY_MIN_BYTES, "TMPDIR"),
        judge_room("cache folder", cache_folder(), CACHE_MIN_BYTES, "XDG_CACHE_HOME"),
    ]


def _program(name: str, describe: Callable[[], str]) -> Finding:
    try:
        return Finding(name, describe())
    except Problem as problem:
        detail, _, remedy = str(problem).partition("; ")
        return Finding(name, detail, ok=False, remedy=remedy)


def _describe_postgres() -> str:
    found = find_postgres()
    return f"{found.version} in {found.folder}"


def _describe_cache() -> str:
    found = find_cache_server()
    return f"{found.name} {version_of(found)} at {found}"


def _describe_queue() -> str:
    found = find_queue_server()
    return f"{found.name} {version_of(found)} at {found}"


def _describe_optional(found: Path | None) -> str:
    return f"{version_of(found)} at {found}" if found else "none; the lab does without"


def _grafana_program() -> Path | None:
    found = find_grafana()
    return found.program if found else None


def _describe_toxiproxy() -> str:
    found = find_toxiproxy_server()
    return f"the original, {found}" if found else "embedded"


def _ports() -> Finding:
    ports = Ports()
    try:
        listen(ports.reserve()).close()
        for _ in range(_PORTS_NEEDED):
            ports.reserve()
    except (OSError, Problem) as error:
        return Finding(
            "ports", f"{LOOPBACK}: {error}", ok=False, remedy="free some ports, or allow listening on loopback"
        )
    finally:
        ports.close()
    return Finding("ports", f"{_PORTS_NEEDED} free ones on {LOOPBACK}")


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if LINUX else os.cpu_count() or 1


async def _keeper(root: Path) -> Finding:
    try:
        folder = directory.create()
        try:
            control = await start_keeper(folder, root, folder / "keeper.log", lambda _exited: None)
            try:
                return judge_identity((await control.ask(Identify())).identity or Identity())
            finally:
                await control.close()
        finally:
            directory.remove(folder)
    except (Problem, OSError) as error:
        remedy = "allow this user to start processes that fork"
        return Finding("processes", str(error), ok=False, remedy=remedy)


def _mib(size_bytes: int) -> str:
    return f"{size_bytes // 2**20} MiB"
