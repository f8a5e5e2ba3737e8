"""The embedded Toxiproxy beside the real one, without toxics, in turns: `python -m benchmarks.toxiproxy`.

Load and upstream share one core and the proxy has another, so that what a proxy costs the load does not show as its
speed; requests per second are also told for both free to use all cores, as the real one has threads. CPU time per
request hardly depends on what else the machine does; all else does, and only the ratios are worth comparing. Where
`other_busy_cores` is not near 0, rates and p99 favour the real one, and most so where each has but one core.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from statistics import median, quantiles
from typing import Any, Final

import psutil
import uvloop

from benchmarks import toxiproxy_traffic as traffic
from benchmarks.toxiproxy_servers import Server, foreign_cpu_s, pin, proxy, upstream, usable_cores
from benchmarks.toxiproxy_traffic import Window
from rulezero.toxiproxy.find import find_toxiproxy_server

VARIABLE: Final = "RULEZERO_TEST_TOXIPROXY_SERVER"
EMBEDDED: Final = [sys.executable, "-m", "rulezero.toxiproxy"]
ROUNDS: Final = 7
WINDOW_S: Final = 0.35
CONNECTIONS: Final = 64
MIB: Final = 2**20

Load = Callable[[Server], Coroutine[Any, Any, Window]]
Windows = dict[str, list[Window]]
"""By side: `real`, `embedded` and, where added latency is asked for, `direct`. The same place is the same round."""


def _requests(connections: int) -> Load:
    return lambda to: traffic.requests(to.answering, connections, WINDOW_S, to.cpu_s)


LOADS: Final[dict[str, Load]] = {
    "many": _requests(CONNECTIONS),
    "many_unpinned": _requests(CONNECTIONS),
    "1_connection": _requests(1),
    "4_connections": _requests(4),
    "bulk": lambda to: traffic.stream(to.streaming, WINDOW_S, to.cpu_s),
    "connecting": lambda to: traffic.connections(to.answering, WINDOW_S, to.cpu_s),
}
RATES: Final = {
    "requests_per_s": "many",
    "requests_per_s_unpinned": "many_unpinned",
    "bulk_mib_per_s": "bulk",
    "connections_per_s": "connecting",
}
WITH_DIRECT: Final = ("1_connection", "4_connections")


def measure() -> dict[str, Any]:
    """Return the figures of both sides and embedded over real, or why there are none. Takes about 50 s.

    Raises `UsageProblem` when a variable names a server that is none.
    """
    original = os.environ.get(VARIABLE) or find_toxiproxy_server()
    if original is None:
        return {"skipped": f"no toxiproxy-server on PATH, and {VARIABLE} is not set"}
    cores = usable_cores()
    with upstream() as behind, proxy([original], behind) as real, proxy(EMBEDDED, behind) as embedded:
        sides = {"direct": behind, "real": real, "embedded": embedded}
        processes = [psutil.Process(), *(server.process for server in sides.values())]
        start_s, foreign_s = time.monotonic(), foreign_cpu_s(processes)
        try:
            found = uvloop.run(_in_turns(sides, cores))
        finally:
            _place(sides, cores, apart=False)
        others = (foreign_cpu_s(processes) - foreign_s) / (time.monotonic() - start_s)
    return {"rounds": ROUNDS, "pinned": len(cores) > 1, "other_busy_cores": round(others, 2), **_figures(found)}


async def _in_turns(sides: dict[str, Server], cores: list[int]) -> dict[str, Windows]:
    """Run every load on every side, round by round; every second round goes the other way."""
    found: dict[str, Windows] = {load: {side: [] for side in sides} for load in LOADS}
    for number in range(ROUNDS):
        for name, load in LOADS.items():
            _place(sides, cores, apart=not name.endswith("unpinned"))
            for side in list(sides)[:: -1 if number % 2 else 1]:
                if side != "direct" or name in WITH_DIRECT:
                    found[name][side].append(await load(sides[side]))
    return found


def _place(sides: dict[str, Server], cores: list[int], *, apart: bool) -> None:
    """Give the proxies a core, and load and upstream another; or let all run on all."""
    if len(cores) < 2:
        return
    for side, process in [*((side, server.process) for side, server in sides.items()), ("load", psutil.Process())]:
        mine = cores[:1] if side in ("real", "embedded") else cores[1:2]
        pin(process, mine if apart else cores)


def _figures(found: dict[str, Windows]) -> dict[str, dict[str, float]]:
    """Return plain numbers by side, and their ratio unless noise has made nothing, or less, of the real one's."""
    both = {side: _figures_of(found, side) for side in ("real", "embedded")}
    ratio = {name: both["embedded"][name] / value for name, value in both["real"].items() if value > 0}
    for name, load in RATES.items():  # Within one round: in the next the machine may be busy.
        pairs = zip(found[load]["embedded"], found[load]["real"], strict=True)
        ratio[name] = median(embedded.per_s / real.per_s for embedded, real in pairs)
    return {
        side: {name: round(value, 2 if side == "embedded_over_real" else 1) for name, value in figures.items()}
        for side, figures in {**both, "embedded_over_real": ratio}.items()
    }


def _figures_of(found: dict[str, Windows], side: str) -> dict[str, float]:
    return {
        **{name: _per_s(found[load][side]) / (MIB if load == "bulk" else 1) for name, load in RATES.items()},
        "cpu_us_per_request": _cpu_us(found["many"][side]),
        "cpu_us_per_request_unpinned": _cpu_us(found["many_unpinned"][side]),
        **{
            f"added_p{percent}_us_{load}": _added_us(found[load], side, percent)
            for load in WITH_DIRECT
            for percent in (50, 99)
        },
        "cpu_us_per_bulk_mib": _cpu_us(found["bulk"][side]) * MIB,
        "cpu_us_per_connection": _cpu_us(found["connecting"][side]),
    }


def _per_s(windows: list[Window]) -> float:
    return median(window.per_s for window in windows)


def _cpu_us(windows: list[Window]) -> float:
    """Return the proxy's CPU time for each thing counted; over all rounds, as the system's clock ticks coarsely."""
    return sum(window.cpu_s for window in windows) / sum(window.count for window in windows) * 1e6


def _added_us(windows: Windows, side: str, percent: int) -> float:
    """Return how much later than without a proxy an answer comes, at a percentile."""
    pairs = zip(windows[side], windows["direct"], strict=True)
    return median(_percentile_us(through, percent) - _percentile_us(direct, percent) for through, direct in pairs)


def _percentile_us(window: Window, percent: int) -> float:
    return quantiles(window.latencies_s, n=100)[percent - 1] * 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(), indent=2) + "\n")
