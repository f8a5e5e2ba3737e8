"""What is wrong with values of the file that are right by themselves."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from rulezero.lab.own import PLACE
from rulezero.load.targets import HOST_PATTERN
from rulezero.own_file.tables import FileTable
from rulezero.own_system import TARGET, TOXIPROXY, USERS
from rulezero.toxiproxy.addresses import PORT_MAX
from rulezero.toxiproxy.toxics import BEHAVIOURS

_ADDRESS = re.compile(rf"{HOST_PATTERN}:[0-9]{{1,5}}")
_TARGET = re.compile(rf"http://{HOST_PATTERN}(:[0-9]{{1,5}})?/?")
_METRICS = re.compile(rf"http://{HOST_PATTERN}(:[0-9]{{1,5}})?(/[!-~]*)?")
_HOSTS = "the host IPv4 or a name"
_TAKEN = (USERS, TARGET, TOXIPROXY, "keeper", "machine", "runner", "locust")
_OURS = ("connection", "content-length", "transfer-encoding", "x-deadline-ms", "x-operation-id", "traceparent")


def problems(file: FileTable, path: Path) -> Iterator[tuple[str, str]]:
    """Yield where something is wrong, and what."""
    if not file.name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}", path.stem):
        yield "name", f"the file's name {path.stem!r} cannot be the experiment's; give one"
    for table in ("routes", "hops", "processes", "arms"):
        seen: set[str] = set(_TAKEN) if table in {"hops", "processes"} else set()
        for number, one in enumerate(getattr(file, table)):
            if one.name in seen:
                yield f"{table}[{number}].name", f"the name {one.name!r} is taken"
            seen.add(one.name)
    yield from _problems_of_addresses(file)
    yield from _problems_of_routes(file)
    yield from _problems_of_hops(file)
    yield from _problems_of_faults(file)
    yield from _problems_of_arms(file)
    yield from _problems_of_checks(file)


def host_of(url: str) -> str:
    """Return the "host:port" of a URL."""
    host = url.removeprefix("http://").partition("/")[0]
    return host if re.search(r":\d+\Z", host) else f"{host}:80"


def _problems_of_addresses(file: FileTable) -> Iterator[tuple[str, str]]:
    url = file.target.url
    if not _TARGET.fullmatch(url):
        yield "target.url", f"{url!r} is not of the form http://127.0.0.1:8000, {_HOSTS}"
    addresses = [
        ("target.url", host_of(url)),
        *((f"hops[{number}].upstream", hop.upstream) for number, hop in enumerate(file.hops)),
        *((f"hops[{number}].listen", hop.listen) for number, hop in enumerate(file.hops) if hop.listen),
        *((f"processes[{number}].ready", one.ready) for number, one in enumerate(file.processes) if one.ready),
    ]
    if file.metrics:
        if not _METRICS.fullmatch(file.metrics.url):
            yield "metrics.url", f"{file.metrics.url!r} is not of the form http://127.0.0.1:8000/metrics, {_HOSTS}"
        addresses.append(("metrics.url", host_of(file.metrics.url)))
    for where, address in addresses:
        if not _ADDRESS.fullmatch(address):
            yield where, f"{address!r} is not of the form 127.0.0.1:8000, {_HOSTS}"
        elif not 0 < int(address.rpartition(":")[2]) <= PORT_MAX:
            yield where, f"{address} has no such port"


def _problems_of_routes(file: FileTable) -> Iterator[tuple[str, str]]:
    for number, route in enumerate(file.routes):
        if not 0 <= route.keys.high - route.keys.low < 1_000_000:
            yield f"routes[{number}].keys", f"{route.keys.low} to {route.keys.high} is no range"
        for name in route.headers:
            if name.lower() in _OURS:
                yield f"routes[{number}].headers", f"{name} is the load generator's own"


def _problems_of_hops(file: FileTable) -> Iterator[tuple[str, str]]:
    for number, hop in enumerate(file.hops):
        taken = {host_of(file.target.url), hop.upstream, *(one.listen for one in file.hops[:number])}
        if hop.listen and hop.listen in taken:
            yield f"hops[{number}].listen", f"{hop.listen} is taken"
    known = {hop.name for hop in file.hops}
    texts = [
        *((f"processes[{number}].command", one.command) for number, one in enumerate(file.processes)),
        *((f"processes[{number}].env", list(one.env.values())) for number, one in enumerate(file.processes)),
        *((f"arms[{number}].env", list(arm.env.values())) for number, arm in enumerate(file.arms)),
    ]
    for where, values in texts:
        for name in PLACE.findall(" ".join(values)):
            if name not in known:
                yield where, f"there is no hop {name!r}"


def _problems_of_faults(file: FileTable) -> Iterator[tuple[str, str]]:
    for number, fault in enumerate(file.faults):
        hops = [USERS, *(hop.name for hop in file.hops)]
        if fault.hop not in hops:
            yield f"faults[{number}].hop", f"there is no hop {fault.hop!r}; there are: {', '.join(hops)}"
        kind: Any = BEHAVIOURS.get(fault.type)
        if kind is None:
            yield f"faults[{number}].type", f"{fault.type!r} is no toxic; there are: {', '.join(BEHAVIOURS)}"
            continue
        attributes = [field.name for field in fields(kind)]
        for name in fault.attributes:
            if name not in attributes:
                yield f"faults[{number}].attributes", f"{fault.type} has no {name!r}; it has: {', '.join(attributes)}"
        if fault.at_s + (fault.for_s or 0.0) > file.phases.fault_s or fault.at_s == file.phases.fault_s:
            yield f"faults[{number}]", "it does not lie in the fault phase"


def _problems_of_arms(file: FileTable) -> Iterator[tuple[str, str]]:
    if not file.processes and (len(file.arms) > 1 or file.arms[0].env):
        yield "arms", "arms differ by the environment of processes, and none is started; add [[processes]]"


def _problems_of_checks(file: FileTable) -> Iterator[tuple[str, str]]:
    arms, routes = [arm.name for arm in file.arms], [route.name for route in file.routes]
    for number, check in enumerate(file.checks):
        if check.arm not in arms:
            yield f"checks[{number}].arm", f"there is no arm {check.arm!r}; there are: {', '.join(arms)}"
        if check.route is not None and check.route not in routes:
            yield f"checks[{number}].route", f"there is no route {check.route!r}; there are: {', '.join(routes)}"
        if (check.at_least is None) == (check.at_most is None):
            yield f"checks[{number}]", "a check needs either at_least or at_most"
