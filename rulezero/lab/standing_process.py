"""The detached process that holds a standing lab: started by `standing.up`, ended by a signal.

python -m rulezero.lab.standing_process LAB_TOML ROOT PORT DESCRIPTOR
"""

import asyncio
import contextlib
import datetime as dt
import os
import signal
import socket
import sys
from pathlib import Path

import msgspec

from rulezero.errors import Problem, UsageProblem
from rulezero.lab.description import ShopDescription, read_description
from rulezero.lab.lab import Lab, open_lab
from rulezero.lab.lock import locked
from rulezero.lab.observability import what_there_is
from rulezero.lab.standing import Places, Refusal, State

_WATCH_INTERVAL_S = 1.0


async def hold(description: ShopDescription, port: int, ready: socket.socket) -> None:
    """Hold a lab until SIGTERM; tell `ready` the state, or the reason why there is none."""
    places = Places(description.root)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        with locked(places.lock, "a lab is running; `rulezero down` ends it"):
            observe = what_there_is()
            async with open_lab(description, logs=places.logs, entry_port=port, observe=observe) as lab:
                await lab.start_services({})
                state = describe(lab, places.logs)
                _write(places, state)
                try:
                    _tell(ready, state)
                    await _watch(lab, places, state, stop)
                finally:
                    places.state.unlink(missing_ok=True)
    except Problem as problem:
        _tell(ready, Refusal(str(problem), isinstance(problem, UsageProblem)))


def describe(lab: Lab, logs: Path) -> State:
    """Return where everything of a running lab is."""
    return State(
        pid=os.getpid(),
        started_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        entry=lab.entry,
        toxiproxy_api=lab.toxiproxy_api,
        primary=lab.database_dsn("primary"),
        standby=lab.database_dsn("standby"),
        cache=lab.cache_address,
        queue=lab.queue_address,
        prometheus=lab.observers.prometheus,
        grafana=lab.observers.grafana,
        links=lab.links,
        admin=lab.admin_addresses,
        logs=str(logs),
    )


async def _watch(lab: Lab, places: Places, state: State, stop: asyncio.Event) -> None:
    while not stop.is_set():
        dead = [f"{part.name}: {part.status}" for part in lab.exits()]
        if dead != state.dead:
            state = msgspec.structs.replace(state, dead=dead)
            _write(places, state)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _WATCH_INTERVAL_S)


def _write(places: Places, state: State) -> None:
    unfinished = places.state.with_suffix(".unfinished")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
    unfinished.replace(places.state)


def _tell(ready: socket.socket, what: State | Refusal) -> None:
    # Whoever started the lab and left before it was ready does not want it: a broken pipe ends it.
    with ready:
        ready.sendall(msgspec.json.encode(what) + b"\n")


def main(path: Path, root: Path, port: int, descriptor: int) -> None:
    """Leave the terminal for good, then hold a lab."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    asyncio.run(hold(read_description(path, root), port, socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
