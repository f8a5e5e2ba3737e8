"""Round after round: draw a victim and a moment, kill, look, and see that the next start works."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from campaigns.kill import in_run, standing
from campaigns.kill.aftermath import COUNTERS, Finding, stale
from campaigns.kill.family import processes_of
from campaigns.kill.in_run import Missed, RunKill
from campaigns.kill.moments import Rehearsal
from campaigns.kill.place import Place
from campaigns.kill.standing import BesideKill, StandingKill
from rulezero.lab.ports import Ports

VICTIMS = (*in_run.VICTIMS, *standing.VICTIMS, standing.BESIDE)
_TRIES_MAX = 8
_WITHOUT_TEMPLATE_SHARE = 0.25
Say = Callable[[str], None]
Kill = RunKill | StandingKill | BesideKill


@dataclass(slots=True)
class Result:
    """What became of the rounds: kills and findings by victim, and every finding in words."""

    kills: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def add(self, victim: str, findings: list[Finding]) -> None:
        """Count what was found about a victim."""
        counted = self.counts.setdefault(victim, Counter())
        counted.update(finding.counter for finding in findings)
        self.texts += [f"{victim}: {finding.counter}: {finding.text}" for finding in findings]

    def rows(self) -> list[tuple[str, dict[str, int]]]:
        """Return a row of counts for each victim."""
        names = [name for name in VICTIMS if name in self.counts]
        return [
            (name, {"kills": self.kills[name], **{one: self.counts[name][one] for one in COUNTERS}}) for name in names
        ]


class Campaign:
    """Kills in one place. `say` gets a line for each round."""

    def __init__(self, place: Place, rehearsal: Rehearsal, random: Random, say: Say) -> None:
        self._place = place
        self._rehearsal = rehearsal
        self._random = random
        self._say = say
        self._port = _free_port()
        self._folders: set[Path] = set()
        self._creators: set[int] = set()
        self.result = Result()

    def run(self, count: int, victims: tuple[str, ...] = VICTIMS) -> Result:
        """Kill `count` times, each victim as often as the others; after each, the next start must work."""
        order: list[str] = []
        victim = victims[0]
        try:
            for number in range(1, count + 1):
                if not order:
                    order = self._random.sample(victims, len(victims))
                victim = order.pop()
                self._round(number, victim)
            self._prove_start(victim)
        finally:
            self._end_everything()
        return self.result

    def _round(self, number: int, victim: str) -> None:
        began_s = time.monotonic()
        for _ in range(_TRIES_MAX):
            kill, described = self._draw(victim)
            if "start" in described:
                self._before_a_start(victim, number)
            try:
                kill.kill()
            except Missed:
                described += ", missed"
            if isinstance(kill, RunKill) and kill.start_took_s is not None:
                self._rehearsal = self._rehearsal.at_pace(kill.start_took_s)  # Other work comes and goes.
            self._creators |= kill.seen.pids
            findings = list(kill.findings())
            if kill.load_began:
                findings += self._swept()
            self._folders |= set(self._place.lab_folders())
            killed = kill.victim if isinstance(kill, RunKill) else victim
            self.result.add(killed, findings)
            took_s = time.monotonic() - began_s
            self._say(f"{number:4} {killed:26} {described:34} {took_s:5.1f} s  {len(findings) or 'ok'}")
            for finding in findings:
                self._say(f"     {finding.counter}: {finding.text}")
            if "missed" not in described:
                self.result.kills[killed] += 1
                return

    def _draw(self, victim: str) -> tuple[Kill, str]:
        if victim in standing.VICTIMS:
            one = StandingKill(self._place, victim, self._port, self._random)
            return one, one.stage
        inner = self._random.choice(in_run.VICTIMS) if victim == standing.BESIDE else victim
        run, moment = in_run.draw(self._place, self._rehearsal, inner, self._random)
        described = f"{moment.stage} {moment.after_s:.2f} s"
        if victim == standing.BESIDE:
            return BesideKill(self._place, run), f"{described} ({inner})"
        return run, described

    def _before_a_start(self, victim: str, number: int) -> None:
        # The round that comes may end before it has proven that the last one left a start possible.
        if number > 1:
            self._prove_start(victim)
        if self._random.random() < _WITHOUT_TEMPLATE_SHARE:
            self._place.forget_template()

    def _prove_start(self, victim: str) -> None:
        """Start once without a kill."""
        findings = list(standing.quick_start(self._place))
        self.result.add(victim, [*findings, *self._swept()])

    def _swept(self) -> Iterator[Finding]:
        yield from stale(self._place, self._folders, self._creators)
        self._folders, self._creators = set(), set()

    def _end_everything(self) -> None:
        for process in processes_of(self._place):
            with contextlib.suppress(psutil.Error):
                process.kill()


def _free_port() -> int:
    ports = Ports()
    try:
        return ports.reserve()
    finally:
        ports.close()
