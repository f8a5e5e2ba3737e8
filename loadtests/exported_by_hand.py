"""The metrics of load by hand: the same as a planned run's, with "by_hand" as phase and arm.

They are at 127.0.0.1:9646, or where RULEZERO_LOADGEN_METRICS_HOST and RULEZERO_LOADGEN_METRICS_PORT say; port 0 is off.
"""

import os
from collections.abc import Callable
from time import monotonic

import gevent
from locust import events
from locust.env import Environment

from loadtests.closed_loop import ClosedLoopUser
from loadtests.exported import BY_HAND, BY_HAND_WINDOWS, Exported, Source
from loadtests.metrics_server import serve
from loadtests.open_loop import OpenLoopUser
from loadtests.toxics_seen import ToxicsSeen, toxiproxy_api
from rulezero.errors import UsageProblem
from rulezero.telemetry import faults

HOST_VARIABLE, PORT_VARIABLE = "RULEZERO_LOADGEN_METRICS_HOST", "RULEZERO_LOADGEN_METRICS_PORT"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 9646
_PORT_MAX = 65535

Kind = type[OpenLoopUser] | type[ClosedLoopUser]


def export(environment: Environment, *, seed: int, run_id: str, in_flight: Callable[[], int]) -> Exported | None:
    """Serve the metrics from now on; None when they are switched off.

    Raises:
        UsageProblem: The port is none.

    """
    port = _port(os.environ.get(PORT_VARIABLE, str(DEFAULT_PORT)))
    if port == 0:
        return None
    kinds = [kind for kind in environment.user_classes if issubclass(kind, OpenLoopUser | ClosedLoopUser)]
    source = Source(
        experiment=BY_HAND,
        arm=BY_HAND,
        seed=seed,
        run_id=run_id,
        windows=BY_HAND_WINDOWS,
        routes={kind.route for kind in kinds},
        in_flight=in_flight,
        rates_rps=lambda: _rates_rps(environment, kinds),
    )
    exported = Exported(source)
    serve(os.environ.get(HOST_VARIABLE, DEFAULT_HOST), port, exported.refresh, faults.REGISTRY)
    listeners = ((events.test_start, _beginning(exported)), (events.test_stop, _ending(exported)))
    for hook, listener in listeners:
        hook.add_listener(listener)  # type: ignore[no-untyped-call]  # Locust's hooks carry no types.
    if api := toxiproxy_api():
        gevent.spawn(ToxicsSeen(api).keep_looking)
    return exported


def _port(text: str) -> int:
    try:
        port = int(text or "0")
    except ValueError:
        port = -1
    if not 0 <= port <= _PORT_MAX:
        raise UsageProblem(f"{PORT_VARIABLE}={text} is no port; write one, or 0 for none")
    return port


def _rates_rps(environment: Environment, kinds: list[Kind]) -> dict[str, float]:
    """Return the arrivals per second by route: one user of an open loop is one stream."""
    counts = environment.runner.user_classes_count if environment.runner is not None else {}
    rates_rps = {kind.route: 0.0 for kind in kinds}
    for kind in kinds:
        if issubclass(kind, OpenLoopUser):
            rates_rps[kind.route] += counts.get(kind.__name__, 0) * kind.rate_rps
    return rates_rps


def _beginning(exported: Exported) -> Callable[..., None]:
    return lambda **_: exported.begin(monotonic())


def _ending(exported: Exported) -> Callable[..., None]:
    return lambda **_: exported.end()
