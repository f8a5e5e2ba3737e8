"""What is left when everything should be gone, and whether the record can be read."""

import contextlib
import json
import shutil
import time
import traceback
import urllib.request
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from campaigns.kill.family import holder, listening, processes_of, shared_memory
from campaigns.kill.place import Place
from rulezero.cli.executing import conclude
from rulezero.errors import EXIT_OF_VERDICT, EXIT_USAGE, Problem
from rulezero.experiment import Experiment
from rulezero.lab.ports import is_free
from rulezero.record import read_record

ORPHANS, TOXICS, PORTS, RECORDS, STARTS, FOLDERS, ENDS = COUNTERS = (
    "orphans", "toxics left", "ports taken", "unreadable records", "failed next starts", "folders left", "unclean ends",
)  # fmt: skip
GONE_WITHIN_S = 15.0
_LOOK_S = 0.2  # A look at every process of the machine is not cheap.
_API_TIMEOUT_S = 2.0
_REPORT_S_MAX = 60.0
_REPORTED_EVERY = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be: what it counts as, and what exactly."""

    counter: str
    text: str


@dataclass(slots=True)
class Seen:
    """What was there just before a kill, and so must not be there after it."""

    ports: set[int] = field(default_factory=set)
    pids: set[int] = field(default_factory=set)
    toxiproxy_ports: set[int] = field(default_factory=set)

    def add(self, processes: Collection[psutil.Process], toxiproxy: psutil.Process | None) -> None:
        """Note what these processes hold."""
        self.pids |= {process.pid for process in processes}
        self.ports |= listening(processes)
        self.toxiproxy_ports |= listening([toxiproxy] if toxiproxy else [])


def family(place: Place) -> list[psutil.Process]:
    """Return the processes of the place but those of its standing lab."""
    found = processes_of(place)
    standing = holder(place)
    if standing is None:
        return found
    with contextlib.suppress(psutil.Error):
        kept = {standing.pid, *(child.pid for child in standing.children(recursive=True))}
        return [process for process in found if process.pid not in kept]
    return found


def leftovers(place: Place, seen: Seen) -> Iterator[Finding]:
    """Yield the processes, toxics and ports that are still there after a while; the processes are then ended."""
    until_s = time.monotonic() + GONE_WITHIN_S
    while (alive := family(place)) and time.monotonic() < until_s:
        time.sleep(_LOOK_S)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            yield Finding(ORPHANS, f"{process.pid} {process.name()} {' '.join(process.cmdline())[:120]}")
    for port in seen.toxiproxy_ports:
        for toxic in toxics_at(port):
            yield Finding(TOXICS, f"{toxic} at the API on {port}")
    taken = {port for port in seen.ports if not is_free(port)}
    strangers = _ports_of_strangers(place) if taken else set()
    for port in taken - strangers:
        yield Finding(PORTS, f"{port}")
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _ports_of_strangers(place: Place) -> set[int]:
    """Return the ports where processes that are not ours listen: a free port may be taken by anybody."""
    ours = {process.pid for process in processes_of(place)}
    return listening(process for process in psutil.process_iter() if process.pid not in ours)


def toxics_at(port: int) -> list[str]:
    """Return "link/toxic" for each toxic of a Toxiproxy; none when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/proxies", timeout=_API_TIMEOUT_S) as answer:
            proxies = json.load(answer)
    except (OSError, ValueError):
        return []
    return [f"{link}/{toxic['name']}" for link, proxy in proxies.items() for toxic in proxy["toxics"]]


def judge_records(place: Place, *, may_be_valid: bool) -> Iterator[Finding]:
    """Judge each new record: it is readable, or its problem is told in one line; then remove it.

    Every few records the command itself does it, page and all; it takes the longest of everything in a round.
    """
    for folder in sorted(place.runs.iterdir()):
        place.records += 1
        if place.records % _REPORTED_EVERY == 1:
            command = place.start("report", str(folder))
            status, said = command.wait(_REPORT_S_MAX), command.said
        else:
            status, said = _conclude(folder, place.definition())
        problem = _problem_of(folder, status, said, may_be_valid=may_be_valid)
        if problem is not None:
            yield Finding(RECORDS, f"{folder.name}: {problem}")
        shutil.rmtree(folder)


def _conclude(folder: Path, experiment: Experiment) -> tuple[int, str]:
    """Do what `rulezero report` does but for the page; return its status and what it would say."""
    try:
        return EXIT_OF_VERDICT[conclude(read_record(folder), experiment).verdict["verdict"]], ""
    except Problem as problem:
        return problem.status, str(problem)
    except Exception:  # noqa: BLE001 - the command would end with this traceback.
        return 1, traceback.format_exc()


def _problem_of(folder: Path, status: int | None, said: str, *, may_be_valid: bool) -> str | None:
    if "Traceback" in said:
        return f"report failed: {said[-2000:]}"
    if status == EXIT_USAGE and not (folder / "manifest.json").exists():
        return None if "is not a record" in said else f"report says {said!r}"
    if status not in EXIT_OF_VERDICT.values():
        return f"report ended with {status}: {said!r}"
    manifest = json.loads((folder / "manifest.json").read_bytes())
    verdict = json.loads((folder / "verdict.json").read_bytes())
    cut_short = manifest["interrupted"] or manifest["exits"]
    if not cut_short and not may_be_valid:
        return "the manifest does not say that the run was cut short"
    if cut_short and verdict["valid"]:
        return "the verdict calls it valid"
    if not verdict["valid"] and not verdict["invalid_reasons"]:
        return "the verdict does not say why it is invalid"
    untidy = [path.name for path in folder.glob("raw*")]
    return f"report leaves {untidy}" if untidy else None


def stale(place: Place, folders: Collection[Path], creators: Collection[int]) -> Iterator[Finding]:
    """Yield what a start should have swept: directories and shared memory of labs that died before it."""
    for folder in folders:
        if folder.exists():
            yield Finding(FOLDERS, f"{folder.name}: {[path.name for path in folder.glob('*')]}")
            shutil.rmtree(folder, ignore_errors=True)
    for segment in shared_memory(creators):
        yield Finding(FOLDERS, f"shared memory segment {segment}, made in {place.folder}")
