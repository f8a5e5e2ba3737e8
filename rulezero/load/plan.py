"""The plan of one arm's load: everything the generator needs, as one JSON file.

It holds no instant of the clock: the generator says when it is ready, then is told when time 0 is (see `generator`).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from rulezero.errors import UsageProblem
from rulezero.experiment import Burst, ClosedUser, Keys, Load, PhaseName, Stream
from rulezero.load.rows import ROUTE_PATTERN
from rulezero.load.targets import check_target

PLAN_VARIABLE = "RULEZERO_LOAD_PLAN"
_ROUNDING_S = 1e-6
_KEYS_MAX = 10_000_000
_ARRIVALS_MAX = 10_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadPlan:
    """One arm's load.

    Args:
        host: "http://127.0.0.1:PORT" of the edge.
        windows: (phase, start, end) in seconds since time 0, without gaps; the load lasts to the last end.
        bursts: `at_s` counts from the start of the fault phase.
        closed: Users who wait for their answers.
        in_flight_max: Arrivals beyond it are recorded as not_sent, never queued.
        rows_path: One line per request (`rows.COLUMNS`).
        generator_path: One line a second about the generator itself (`rows.REPORT_COLUMNS`); counts add up from 0.
        sample_rate: Part of the requests that are traced.
        otlp_endpoint: "http://host:port" that takes the generator's own spans; None exports none.
        run_id: Unique to this arm of this run: operation ids are made from it.
        experiment: Its name, for the metrics.
        arm: The arm's name, for the metrics.
        metrics_host: Where the generator serves its metrics.
        metrics_port: The port there; None serves none.

    """

    seed: int
    host: str
    windows: tuple[tuple[PhaseName, float, float], ...]
    streams: tuple[Stream, ...]
    rows_path: str
    generator_path: str
    run_id: str
    bursts: tuple[Burst, ...] = ()
    closed: tuple[ClosedUser, ...] = ()
    in_flight_max: Annotated[int, Meta(gt=0)] = 2000
    sample_rate: Annotated[float, Meta(ge=0, le=1)] = 0.0
    otlp_endpoint: str | None = None
    experiment: str = ""
    arm: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Meta(ge=1, le=65535)] | None = None

    @property
    def duration_s(self) -> float:
        """Return the length of the load."""
        return self.windows[-1][2]

    def burst_due_s(self, burst: Burst) -> float:
        """Return when a burst is due, in seconds since time 0."""
        return next(start_s for phase, start_s, _ in self.windows if phase == "fault") + burst.at_s

    def phase_at(self, at_s: float) -> str:
        """Return the phase that an instant falls in; the last one from its start on."""
        return next((phase for phase, _, end_s in self.windows if at_s < end_s), self.windows[-1][0])


def encode(plan: LoadPlan) -> bytes:
    """Return the plan as JSON.

    Raises:
        UsageProblem: The plan contradicts itself, or its target may not be loaded.

    """
    _check(plan)
    return msgspec.json.encode(plan)


def decode(text: bytes | str, *, source: str = "load plan") -> LoadPlan:
    """Return the plan that a JSON text holds.

    Raises:
        UsageProblem: Not a plan (names the field), or one that `encode` would refuse.

    """
    try:
        plan = msgspec.json.decode(text, type=LoadPlan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{source}: {error}; correct that field") from None
    _check(plan)
    return plan


def read_plan(path: Path) -> LoadPlan:
    """Return the plan in a file; errors as `decode`."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageProblem(f"load plan {path}: {error.strerror}; see {PLAN_VARIABLE}") from None
    return decode(text, source=f"load plan {path}")


def _check(plan: LoadPlan) -> None:
    check_target(plan.host)
    _check_windows(plan)
    others: tuple[Load, ...] = (*plan.bursts, *plan.closed)
    routes = [stream.route for stream in plan.streams]
    if len(set(routes)) != len(routes):
        raise UsageProblem("load plan: two streams of one route would send the same arrivals; add up their rates")
    for route in (*routes, *(load.route for load in others)):
        if not ROUTE_PATTERN.fullmatch(route):
            raise UsageProblem(f"load plan: route {route!r} cannot be a field of a row; use letters and digits")
    for user in plan.closed:
        _check_keys(user.route, user.keys)
    for stream in plan.streams:
        _check_keys(stream.route, stream.keys)
        if not stream.rate_rps * plan.duration_s < _ARRIVALS_MAX:
            raise UsageProblem(f"load plan: {stream.route} would send {_ARRIVALS_MAX} requests or more; lower its rate")


def _check_windows(plan: LoadPlan) -> None:
    edges = [0.0, *(edge for _, *window in plan.windows for edge in window)]
    joined = all(end_s == start_s for (_, _, end_s), (_, start_s, _) in pairwise(plan.windows))
    if len(edges) == 1 or edges[1] != 0.0 or edges != sorted(edges) or not joined or not math.isfinite(edges[-1]):
        raise UsageProblem("load plan: windows must follow one another from 0 without gaps; see Durations.windows")
    fault_s = [end_s - start_s for phase, start_s, end_s in plan.windows if phase == "fault"]
    for burst in plan.bursts:
        if not fault_s or burst.at_s > fault_s[0] + _ROUNDING_S:
            raise UsageProblem(f"load plan: a burst of {burst.route} lies outside the fault phase; move its at_s")


def _check_keys(route: str, spread: Keys) -> None:
    if not 0 <= spread.high - spread.low < _KEYS_MAX:
        raise UsageProblem(f"load plan: keys {spread.low} to {spread.high} of {route} are no range; correct it")
