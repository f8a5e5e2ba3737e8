"""When to kill what: a rehearsal tells when each process lives, and a moment is drawn from that life."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from campaigns.kill.family import LOCUST, roles
from campaigns.kill.place import EXPERIMENT, LOAD_S, Command, Place

RUNNER = "runner"
STAGES = ("start", "load", "end")
_LOOK_S = 0.02
_END_S_MAX = 90.0
_LAST_CHANCE_S = 0.15


class RehearsalFailed(Exception):
    """A run that nobody disturbed did not end as it should."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A stage of a run, and the seconds to wait: since the start for "start", since the load began otherwise."""

    stage: str
    after_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """One undisturbed run: when the load began and, by name, when each process was first and last seen."""

    load_began_s: float
    first_s: dict[str, float]
    last_s: dict[str, float]

    def at_pace(self, load_began_s: float) -> "Rehearsal":
        """Return what the rehearsal would have shown on a machine that now starts a run in so many seconds."""
        pace = load_began_s / self.load_began_s
        return Rehearsal(
            load_began_s=load_began_s,
            first_s={name: first_s * pace for name, first_s in self.first_s.items()},
            last_s={name: last_s - self.load_began_s + load_began_s for name, last_s in self.last_s.items()},
        )

    def draw(self, victim: str, random: Random) -> Moment:
        """Return a moment in the victim's life: each stage is as likely, and so is each moment of one."""
        stage = random.choice(STAGES)
        if stage == "start":
            return Moment(stage=stage, after_s=random.uniform(self.first_s[victim], self.load_began_s))
        if stage == "load":
            return Moment(stage=stage, after_s=random.uniform(0.0, LOAD_S))
        left_s = max(self.last_s[victim] - self.load_began_s, LOAD_S + _LAST_CHANCE_S)
        return Moment(stage=stage, after_s=random.uniform(LOAD_S, left_s))


def start_run(place: Place, seed: int) -> Command:
    """Start the brief experiment."""
    return place.start("run", EXPERIMENT, "--quiet", "--seed", str(seed), "--out", str(place.runs))


def rehearse(place: Place) -> Rehearsal:
    """Run once to the end, looking all the time. Raises RehearsalFailed unless it ends by itself and whole."""
    started_s = time.monotonic()
    command = start_run(place, 0)
    runner = psutil.Process(command.process.pid)
    began_s, first_s, last_s = None, {RUNNER: 0.0}, {}
    while not command.over():
        now_s = time.monotonic() - started_s
        if now_s > _END_S_MAX:
            command.process.kill()
        if began_s is None and load_began(place.runs):
            began_s = now_s
        for name in (RUNNER, *roles(runner)):
            first_s.setdefault(name, now_s)
            last_s[name] = now_s
        time.sleep(_LOOK_S)
    # Not held against its validity: a busy machine makes a run invalid, which is no matter here.
    manifests = [json.loads(path.read_bytes()) for path in place.runs.glob("*/manifest.json")]
    whole = bool(manifests) and not any(one["interrupted"] or one["exits"] for one in manifests)
    if began_s is None or LOCUST not in first_s or not whole:
        raise RehearsalFailed(f"the rehearsal did not run to its end: {command.said}")
    return Rehearsal(load_began_s=began_s, first_s=first_s, last_s=last_s)


def load_began(runs: Path) -> bool:
    """Return whether a run in this folder is sending, or about to: its metrics are being written."""
    return any(runs.glob("*/raw/*/metrics.tsv"))


def until_load(command: Command, place: Place, until_s: float) -> bool:
    """Wait until the load begins; return False when the run ends before, or that instant comes."""
    while not load_began(place.runs):
        if command.over() or time.monotonic() >= until_s:
            return False
        time.sleep(_LOOK_S)
    return True
