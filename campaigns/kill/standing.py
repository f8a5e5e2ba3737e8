"""A standing lab (`rulezero up`): its holder, its keeper or a part is killed, or a run beside it."""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import psutil

from campaigns.kill.aftermath import ENDS, ORPHANS, STARTS, TOXICS, Finding, Seen, leftovers, toxics_at
from campaigns.kill.family import holder, processes_of, roles
from campaigns.kill.in_run import RunKill
from campaigns.kill.place import Place
from rulezero.lab.ports import LOOPBACK

HOLDER, KEEPER, PART = VICTIMS = ("standing holder", "standing keeper", "standing part")
BESIDE = "run beside a standing lab"
_UP_S_MAX, _DOWN_S_MAX = 90.0, 60.0
_TYPICAL_START_S = 4.0
_API_TIMEOUT_S = 5.0
_LOOK_S = 0.1
_TOXIC = {"name": "by_hand", "type": "latency", "attributes": {"latency": 10}}
_LINK = "edge-catalog-1"
_PARTS = ("primary", "standby", "cache", "queue", "toxiproxy", "edge", "catalog-1", "checkout", "payment", "mailer")


def bring_up(place: Place, port: int = 0) -> Iterator[Finding]:
    """Bring a lab up; it must come up whole and without toxics."""
    command = place.start("up", "--port", str(port))
    status = command.wait(_UP_S_MAX)
    if status != 0:
        yield Finding(STARTS, f"`rulezero up` ended with {status}: {command.said!r}")
        return
    if state(place)["dead"]:
        yield Finding(STARTS, f"`rulezero up` came up without {state(place)['dead']}")
    for toxic in toxics_at(api_port(place)):
        yield Finding(TOXICS, f"{toxic} in a lab that has just come up")


def take_down(place: Place) -> Iterator[Finding]:
    """Take the lab down, whatever became of it."""
    command = place.start("down")
    status = command.wait(_DOWN_S_MAX)
    if status != 0 or "Traceback" in command.said:
        yield Finding(ENDS, f"`rulezero down` ended with {status}: {command.said!r}")


def state(place: Place) -> dict[str, Any]:
    """Return what the standing lab has written of itself."""
    try:
        found: dict[str, Any] = json.loads((place.checkout / ".rulezero/lab.json").read_bytes())
    except (OSError, ValueError):
        return {"dead": ["everything"], "toxiproxy_api": ":0"}
    return found


def api_port(place: Place) -> int:
    """Return where the standing lab's Toxiproxy takes orders."""
    return int(state(place)["toxiproxy_api"].rpartition(":")[2])


def _add_toxic(place: Place) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(LOOPBACK, api_port(place), timeout=_API_TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request("POST", f"/proxies/{_LINK}/toxics", json.dumps(_TOXIC))
            connection.getresponse().read()


class StandingKill:
    """Brings a lab up, or nearly, kills its victim, and brings it up again at the same port."""

    def __init__(self, place: Place, victim: str, port: int, random: Random) -> None:
        self._place = place
        self._victim = victim
        self._port = port
        self._random = random
        self._findings: list[Finding] = []
        # Its parts are only known by name once it is up.
        self.stage = random.choice(("start", "load")) if victim == HOLDER else "load"
        self.seen = Seen()
        self.load_began = False

    def kill(self) -> None:
        """Bring up and kill; what goes wrong by itself is a finding."""
        if self.stage == "start":
            self._kill_while_it_starts()
        else:
            self._findings += bring_up(self._place, self._port)
            self.load_began = not self._findings
            _add_toxic(self._place)
            time.sleep(self._random.uniform(0.0, 1.0))
            self._kill_one()

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong after the kill, after a new start, and after its end."""
        if self._victim != HOLDER:  # The holder lives on, and says what is dead.
            self._findings += take_down(self._place)
        elif self._place.start("status").wait(_DOWN_S_MAX) != 1:
            self._findings.append(Finding(ENDS, "`rulezero status` does not say that the lab is gone"))
        yield from self._findings
        yield from leftovers(self._place, self.seen)
        yield from bring_up(self._place, self._port)
        yield from take_down(self._place)
        yield from leftovers(self._place, self.seen)

    def _kill_while_it_starts(self) -> None:
        command = self._place.start("up", "--port", str(self._port))
        time.sleep(self._random.uniform(0.0, _TYPICAL_START_S))
        while not command.over() and holder(self._place) is None:
            time.sleep(_LOOK_S)
        self._kill_one()
        status = command.wait(_UP_S_MAX)
        if status is None or "Traceback" in command.said:
            self._findings.append(Finding(ENDS, f"`rulezero up` ended with {status}: {command.said!r}"))

    def _kill_one(self) -> None:
        standing = holder(self._place)
        if standing is None:
            self._findings.append(Finding(STARTS, "there is no process that holds the standing lab"))
            return
        found = roles(standing)
        toxiproxy = found.get("toxiproxy")
        self.seen.add(processes_of(self._place), toxiproxy)
        chosen = {HOLDER: standing, KEEPER: found.get("keeper")}.get(
            self._victim, found.get(self._random.choice(_PARTS))
        )
        if chosen is None:
            self._findings.append(Finding(STARTS, f"{self._victim} is not there"))
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            chosen.kill()


class BesideKill:
    """Kills a process of a run while a standing lab is up, which must not notice."""

    def __init__(self, place: Place, run: RunKill) -> None:
        self._place = place
        self._run = run
        self._findings: list[Finding] = []
        self._up = False
        self.seen = run.seen
        self.load_began = True

    def kill(self) -> None:
        """Bring the standing lab up and kill the run's victim. Raises Missed."""
        if not self._up:
            self._findings += bring_up(self._place)
            _add_toxic(self._place)
            self._up = True
        self._run.kill()

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with what the run left, and with the lab beside it."""
        yield from self._findings
        yield from self._run.findings()
        if toxics_at(api_port(self._place)) != [f"{_LINK}/{_TOXIC['name']}"]:
            yield Finding(TOXICS, f"the standing lab has {toxics_at(api_port(self._place))}")
        if state(self._place)["dead"] or self._place.start("status").wait(_DOWN_S_MAX) != 0:
            yield Finding(ORPHANS, f"the standing lab beside a killed run lost {state(self._place)['dead']}")
        yield from take_down(self._place)
        yield from leftovers(self._place, Seen())


def quick_start(place: Place) -> Iterator[Finding]:
    """Prove that a start works: up and down again."""
    yield from bring_up(place)
    yield from take_down(place)
