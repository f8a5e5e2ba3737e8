"""One process of a run is killed."""

import contextlib
import time
from collections.abc import Iterator
from random import Random

import psutil

from campaigns.kill.aftermath import ENDS, STARTS, Finding, Seen, judge_records, leftovers
from campaigns.kill.family import roles
from campaigns.kill.moments import RUNNER, Moment, Rehearsal, start_run, until_load
from campaigns.kill.place import LOAD_S, Command, Place

VICTIMS = (
    RUNNER, "keeper", "primary", "standby", "cache", "queue", "toxiproxy", "edge", "catalog-1", "catalog-2", "checkout",
    "payment", "inventory", "mailer", "locust",
)  # fmt: skip
_LOOK_S = 0.03
_END_S_MAX = 60.0
_START_S_MAX = 60.0
_TOXIPROXY = "toxiproxy"


class Missed(Exception):
    """The victim had ended before it could be killed."""


class RunKill:
    """Starts a run, kills its victim at the moment, and looks at what is left."""

    def __init__(self, place: Place, victim: str, moment: Moment, seed: int) -> None:
        self._place = place
        self.victim = victim
        self._moment = moment
        self._seed = seed
        self._own_failure: Finding | None = None
        self.seen = Seen()
        self.status: int | None = None
        self.load_began = False
        self.start_took_s: float | None = None
        self._began_s = 0.0
        self._load_was_over = True

    def kill(self) -> None:
        """Kill. Raises Missed when the victim had ended before."""
        started_s = time.monotonic()
        command = start_run(self._place, self._seed)
        try:
            self._wait_for_moment(command, started_s)
            self._strike(command)
            self._load_was_over = self.load_began and time.monotonic() >= self._began_s + LOAD_S
        finally:
            if self._own_failure is None:
                self.status = command.wait(_END_S_MAX)
        if self.status is None:
            self._own_failure = Finding(ENDS, f"the runner did not end in {_END_S_MAX:g} s: {command.said!r}")
        elif "Traceback" in command.said:
            self._own_failure = Finding(ENDS, f"the runner ended with {command.said[-3000:]}")

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong after the kill."""
        if self._own_failure is not None:
            yield self._own_failure
        yield from leftovers(self._place, self.seen)
        # After its load the run may have all that it needs.
        yield from judge_records(self._place, may_be_valid=self._load_was_over)

    def _wait_for_moment(self, command: Command, started_s: float) -> None:
        if self._moment.stage == "start":
            # Today's start may be faster than the rehearsal's: then its last moment is now.
            self.load_began = until_load(command, self._place, started_s + self._moment.after_s)
            self._began_s = time.monotonic()
            self._look(command)
            return
        self.load_began = until_load(command, self._place, started_s + _START_S_MAX)
        if not self.load_began:
            self._failed_to_start(command)
            raise Missed
        self._began_s = time.monotonic()
        self.start_took_s = self._began_s - started_s
        self._look(command)
        time.sleep(max(0.0, self._began_s + self._moment.after_s - time.monotonic()))

    def _look(self, command: Command) -> None:
        with contextlib.suppress(psutil.Error):
            runner = psutil.Process(command.process.pid)
            self.seen.add([runner, *runner.children(recursive=True)], self._role(command, _TOXIPROXY))

    def _strike(self, command: Command) -> None:
        """Kill the victim, waiting for one that is about to be born; one that is gone, take who lives longest."""
        while not command.over():
            found = self._role(command, self.victim)
            with contextlib.suppress(psutil.NoSuchProcess):
                if found is not None:
                    found.kill()
                    return
            if self.load_began:
                self.victim = RUNNER
            else:
                self._look(command)
                time.sleep(_LOOK_S)
        if not self.load_began:
            self._failed_to_start(command)
        raise Missed

    def _failed_to_start(self, command: Command) -> None:
        self.status = command.wait(0)
        self._own_failure = Finding(STARTS, f"a run ended with {self.status} before its load: {command.said!r}")

    def _role(self, command: Command, name: str) -> psutil.Process | None:
        with contextlib.suppress(psutil.Error):
            runner = psutil.Process(command.process.pid)
            return runner if name == RUNNER else roles(runner).get(name)
        return None


def draw(place: Place, rehearsal: Rehearsal, victim: str, random: Random) -> tuple[RunKill, Moment]:
    """Return a kill of this victim at a moment of its life."""
    moment = rehearsal.draw(victim, random)
    return RunKill(place, victim, moment, random.randrange(1, 10_000)), moment
