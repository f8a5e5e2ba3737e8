"""What a machine needs to run compose.yaml: Docker with Compose, its engine, memory, free ports. Says what to do."""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec

from rulezero.errors import Problem
from rulezero.lab import containers, proxies
from rulezero.lab.compose_file import FILE, ComposeFile, read_compose_file
from rulezero.lab.description import ShopDescription
from rulezero.lab.docker import docker
from rulezero.lab.doctor import CORES_MIN, Finding
from rulezero.lab.ports import is_free
from rulezero.lab.threads import to_the_end

TOXIPROXY, TOXIPROXY_PORT = "toxiproxy", 8474
MEMORY_MIN_BYTES = 3_000_000_000  # The limits add up to 2.5 GB.
COMPOSE_MIN = (2, 20)  # Older ones stop at what compose.yaml has.
_INSTALL = "install Docker with Compose, https://docs.docker.com/engine/install/"
_VERSION = re.compile(r"(\d+)\.(\d+)")


class _Engine(msgspec.Struct):
    version: str = msgspec.field(name="ServerVersion", default="")
    memory_bytes: int = msgspec.field(name="MemTotal", default=0)
    cores: int = msgspec.field(name="NCPU", default=0)
    errors: list[str] | None = msgspec.field(name="ServerErrors", default=None)


async def examine_compose(description: ShopDescription) -> list[Finding]:
    """Look at everything that the containers need; what cannot be looked at without the one before is left out."""
    found = [await _finding("compose", _compose, _INSTALL)]
    engine = await _engine()
    found += judge_engine(engine)
    if not (found[0].ok and found[1].ok):
        return found
    try:
        file = await read_compose_file(description)
    except Problem as problem:
        detail, _, remedy = str(problem).partition("; ")
        return [*found, Finding(str(FILE), detail, ok=False, remedy=remedy or f"correct {FILE}")]
    states = await containers.states(file.name)
    found += [judge_ports(file, states), judge_states(file, states)]
    if states.get(TOXIPROXY) == "running":
        found.append(await _finding("faults", partial(_toxics, file), f"see `docker compose logs {TOXIPROXY}`"))
    return found


def judge_engine(engine: _Engine) -> list[Finding]:
    """Say whether it runs, and has memory and cores."""
    if engine.errors or not engine.version:
        told = " ".join(engine.errors or ["it does not answer"])
        return [Finding("docker engine", told, ok=False, remedy="start Docker, and let this user use it")]
    return [
        Finding("docker engine", engine.version),
        Finding(
            "memory of the engine",
            f"{engine.memory_bytes / 1e9:.1f} GB",
            ok=engine.memory_bytes >= MEMORY_MIN_BYTES,
            remedy=f"give it {MEMORY_MIN_BYTES / 1e9:.0f} GB",
        ),
        Finding(
            "cores of the engine",
            f"{engine.cores}",
            ok=engine.cores >= CORES_MIN,
            remedy=f"give it {CORES_MIN} cores; with fewer a run measures the machine, not the system",
        ),
    ]


def judge_version(text: str) -> Finding:
    """Say whether this Compose is new enough."""
    found = _VERSION.search(text)
    new = found is not None and (int(found[1]), int(found[2])) >= COMPOSE_MIN
    return Finding("compose", text, ok=new, remedy=f"Compose {COMPOSE_MIN[0]}.{COMPOSE_MIN[1]} or newer: {_INSTALL}")


def judge_ports(file: ComposeFile, states: dict[str, str]) -> Finding:
    """Say which ports somebody else has."""
    published = {
        int(port.published): name for name, part in file.services.items() for port in part.ports if port.published
    }
    taken = [
        f"{port} ({name})"
        for port, name in sorted(published.items())
        if states.get(name) != "running" and not is_free(port)
    ]
    return Finding(
        "ports",
        f"taken: {', '.join(taken)}" if taken else f"{len(published)} of {FILE}, all free or its own",
        ok=not taken,
        remedy="end what listens there",
    )


def judge_states(file: ComposeFile, states: dict[str, str]) -> Finding:
    """Say whether the containers are up: an experiment needs them, `make up` starts them."""
    down = [name for name in file.services if states.get(name) != "running"]
    count = len(file.services)
    if len(down) == count:
        return Finding("containers", "none is up; `make up` starts them")
    detail = f"not up: {', '.join(down)}" if down else f"all {count} are up"
    return Finding("containers", detail, ok=not down, remedy="make up; see `docker compose ps --all`")


def judge_toxics(toxics: Sequence[str]) -> Finding:
    """Say whether links are whole: a run that was killed, or a hand, may have left something on them."""
    told = f"left on the links: {', '.join(toxics)}" if toxics else "none on any link"
    return Finding("faults", told, ok=not toxics, remedy="curl -X POST 127.0.0.1:8474/reset")


async def _finding(name: str, look: Callable[[], Awaitable[Finding]], remedy: str) -> Finding:
    try:
        return await look()
    except Problem as problem:
        return Finding(name, str(problem).partition("; ")[0], ok=False, remedy=remedy)


async def _compose() -> Finding:
    return judge_version((await docker("compose", "version", "--short")).strip())


async def _toxics(file: ComposeFile) -> Finding:
    return judge_toxics(await to_the_end(proxies.toxics, proxies.connect(file.port(TOXIPROXY, TOXIPROXY_PORT))))


async def _engine() -> _Engine:
    try:
        return msgspec.json.decode(await docker("info", "--format", "{{json .}}"), type=_Engine)
    except (Problem, msgspec.MsgspecError) as error:
        return _Engine(errors=[str(error).partition("; ")[0]])
