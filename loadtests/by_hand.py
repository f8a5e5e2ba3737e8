"""Runs by hand: `locust -f loadtests/shop.py -H http://127.0.0.1:PORT`, headless or with Locust's page.

The target is checked before the first request, whether it comes from the command line or from the page. Where
OTEL_EXPORTER_OTLP_ENDPOINT names a collector of spans, some of the requests are traced.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic
from typing import NoReturn
from uuid import uuid4

from locust import User, events
from locust.env import Environment
from locust.exception import StopTest

from loadtests.closed_loop import ClosedLoopUser
from loadtests.exported import Exported
from loadtests.exported_by_hand import export
from loadtests.open_loop import OpenLoopUser
from loadtests.recorder import Recorder
from loadtests.row_log import RowLog
from loadtests.streams import Arrival, closed_arrivals, stream_arrivals
from loadtests.tracing import Traces
from loadtests.traffic import Traffic
from rulezero.errors import UsageProblem
from rulezero.experiment import ClosedUser, Stream
from rulezero.load.rows import HEADER
from rulezero.load.targets import check_target

IN_FLIGHT_MAX = 2000
TRACES_PER_S = 20
_users = count()
_rows: list[RowLog] = []
_exported: list[Exported] = []
_recorders: list[Recorder] = []
_traffic: dict[tuple[str, int], Traffic] = {}
_run_id = uuid4().hex


class _Guarded(User):
    """Refuses a target from the page as Locust itself refuses a missing one: the test stops before a request."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        try:
            check_target(self.host or environment.host)
        except UsageProblem as problem:
            raise StopTest(str(problem)) from None
        super().__init__(environment)


def install() -> None:
    """Add the options, and refuse targets that are not this machine."""
    listeners = ((events.init_command_line_parser, _add_options), (events.init, _init), (events.quitting, _close))
    for hook, listener in listeners:
        hook.add_listener(listener)  # type: ignore[no-untyped-call]  # Locust's hooks carry no types.


class HandOpenLoopUser(_Guarded, OpenLoopUser):
    """One arrival a second: the number of users is the arrival rate."""

    abstract = True

    def start_stream(self) -> tuple[Traffic, Iterator[Arrival]]:
        """Start a stream that ends when the user does."""
        stream = Stream(route=self.route, rate_rps=self.rate_rps, deadline_s=self.deadline_s, keys=self.keys)
        return _traffic_to(self.environment, self.host), stream_arrivals(
            stream,
            self.routes,
            seed=_seed(self.environment),
            run_id=_run_id,
            origin_s=monotonic(),
            name=f"{self.route}:{next(_users)}",
            sample_rate=_sample_rate(self.environment),
        )


class HandClosedLoopUser(_Guarded, ClosedLoopUser):
    """One user who thinks for `--think-time` seconds after each answer."""

    abstract = True

    def wait_time(self) -> float:
        """Return the pause in seconds."""
        options = self.environment.parsed_options
        return float(options.think_time) if options else 1.0

    def start_asking(self) -> tuple[Traffic, Iterator[Arrival]]:
        """Start a user who lasts until it is stopped."""
        return _traffic_to(self.environment, self.host), closed_arrivals(
            ClosedUser(route=self.route, deadline_s=self.deadline_s, keys=self.keys),
            self.routes,
            seed=_seed(self.environment),
            run_id=_run_id,
            name=f"{self.route}:closed:{next(_users)}",
        )


def refuse(problem: UsageProblem) -> NoReturn:
    """End the process with the problem's one line and status."""
    sys.stderr.write(f"{problem}\n")
    raise SystemExit(problem.status)


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", metavar="FILE", help="Write one line per request, as `rulezero run` does")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="Seed of arrivals and keys (default 1)")
    parser.add_argument(
        "--think-time", type=float, default=1.0, metavar="SECONDS", help="Pause of a closed-loop user (default 1)"
    )


def _init(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    if options is None:
        return
    if options.headless or environment.host:
        try:
            check_target(environment.host)
        except UsageProblem as problem:
            refuse(problem)
    if options.rows:
        _rows.append(RowLog(Path(options.rows), HEADER))
    if not options.user_classes and not options.class_picker:
        # Both loops at once would hide what each of them shows.
        environment.user_classes = [kind for kind in environment.user_classes if not issubclass(kind, ClosedLoopUser)]
    _export(environment)


def _export(environment: Environment) -> None:
    try:
        exported = export(environment, seed=_seed(environment), run_id=_run_id, in_flight=_in_flight)
    except UsageProblem as problem:
        refuse(problem)
    if exported is not None:
        _exported.append(exported)


def _in_flight() -> int:
    return sum(traffic.counts.in_flight for traffic in _traffic.values())


def _traffic_to(environment: Environment, host: str | None) -> Traffic:
    target = check_target(host)
    if not _recorders:
        exported = _exported[0] if _exported else None
        _recorders.append(Recorder(environment, _rows[0] if _rows else None, exported=exported))
    if target not in _traffic:
        _traffic[target] = Traffic(
            target,
            traces=Traces(endpoint=_endpoint(), instance=_run_id, random=Random()),
            recorder=_recorders[0],
            in_flight_max=IN_FLIGHT_MAX,
        )
    return _traffic[target]


def _endpoint() -> str | None:
    """Return where spans go: nowhere, unless the environment says where."""
    return os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None


def _sample_rate(environment: Environment) -> float:
    """Return the part of the requests that are traced: all of a few, some of many."""
    if _endpoint() is None or environment.runner is None:
        return 0.0
    return min(1.0, TRACES_PER_S / max(1, environment.runner.target_user_count))


def _seed(environment: Environment) -> int:
    return int(environment.parsed_options.seed) if environment.parsed_options else 1


def _close(**_: object) -> None:
    for traffic in _traffic.values():
        traffic.close()
    for recorder in _recorders:
        recorder.close()
