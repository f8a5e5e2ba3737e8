"""Input after input to each target; an input is drawn from the seed, the target's name and its number alone."""

import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from campaigns.fuzz.files import DefencesFile, Environment, LabFile, LinksFile, Plan
from campaigns.fuzz.records import RecordFolder
from campaigns.fuzz.service import AdminApi, TravellingHeaders
from campaigns.fuzz.target import Target, Unhandled
from campaigns.fuzz.toxiproxy_api import ToxiproxyApi
from rulezero.errors import Problem

TARGETS: tuple[type[Target], ...] = (
    DefencesFile, LinksFile, LabFile, Plan, Environment, RecordFolder, ToxiproxyApi, AdminApi, TravellingHeaders,
)  # fmt: skip
INPUT_S_MAX = 60.0
_PROBLEM_CHARACTERS_MAX = 8000
_FINDINGS_MAX = 40


@dataclass(slots=True)
class Result:
    """Counts by target, and every finding with what repeats it."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def rows(self) -> list[tuple[str, dict[str, int]]]:
        """Return a row of counts for each target."""
        columns = ("inputs", "accepted", "refused", "unhandled")
        return [(name, {column: counts[column] for column in columns}) for name, counts in self.counts.items()]

    @property
    def inputs(self) -> int:
        """Return how many inputs there were."""
        return sum(counts["inputs"] for counts in self.counts.values())


def run(
    folder: Path, count: int, seed: int, say: Callable[[str], None], targets: Sequence[type[Target]] = TARGETS
) -> Result:
    """Send at least `count` inputs in all, each target's share of them."""
    result = Result()
    whole = sum(kind.share for kind in targets)
    for kind in targets:
        began_s = time.monotonic()
        counts = result.counts.setdefault(kind.name, Counter())
        home = folder / kind.__name__
        home.mkdir()
        with kind(home) as target:
            for number in range(-(-count * kind.share // whole)):
                _one(target, Random(f"{seed}:{kind.name}:{number}"), number, counts, result.texts)
        say(f"{kind.name:16} {counts['inputs']:5} inputs in {time.monotonic() - began_s:6.1f} s")
    return result


def _one(target: Target, random: Random, number: int, counts: Counter[str], texts: list[str]) -> None:
    began_s = time.monotonic()
    counts["inputs"] += 1
    problem = None
    try:
        counts["accepted" if target.attempt(random) else "refused"] += 1
    except Problem as refusal:
        counts["refused"] += 1
        told = str(refusal)
        if len(told.splitlines()) != 1 or len(told) > _PROBLEM_CHARACTERS_MAX:
            problem = f"not told in one line: {told[:500]!r}"
    except Unhandled as unhandled:
        problem = str(unhandled)
    except Exception:  # noqa: BLE001 - any other exception is what is looked for.
        problem = traceback.format_exc()[-1500:]
    if problem is None and time.monotonic() - began_s > INPUT_S_MAX:
        problem = f"took {time.monotonic() - began_s:.0f} s"
    if problem is not None:
        counts["unhandled"] += 1
        if len(texts) < _FINDINGS_MAX:
            texts.append(f"{target.name} input {number}: {problem}")
