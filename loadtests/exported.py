"""What the generator counts for Prometheus: `rulezero.telemetry.loadgen` names it, `metrics_server` serves it."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from prometheus_client import Gauge

from loadtests.streams import Arrival
from rulezero.outcome import Outcome
from rulezero.telemetry import loadgen
from rulezero.telemetry.counts import Count
from rulezero.telemetry.histograms import Distribution

BY_HAND = "by_hand"
BY_HAND_WINDOWS = ((BY_HAND, 0.0, math.inf),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Whose metrics these are, and where what is not counted is read off at each scrape.

    `windows` are (phase, start, end) in seconds since the load began; `rates_rps` gives the arrivals per second that
    are wanted of each route while it runs.
    """

    experiment: str
    arm: str
    seed: int
    run_id: str
    windows: Sequence[tuple[str, float, float]]
    routes: Collection[str]
    in_flight: Callable[[], int]
    rates_rps: Callable[[], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Route:
    """The series of one route in one phase."""

    arrivals: Count
    dropped: Count
    good: Count
    durations: Mapping[Outcome, Distribution]


class Exported:
    """The series of one arm, or of load by hand. All of them are there, at 0, before the load begins."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._began_s = math.inf
        self._ended_s = math.inf
        self._told_s = dict.fromkeys((phase for phase, _, _ in source.windows), 0.0)
        self._lag = loadgen.SEND_LAG.series()
        self._routes: dict[tuple[str, str], _Route] = {}
        self._info: Gauge = loadgen.EXPERIMENT_INFO.labels(
            source.experiment, source.arm, str(source.seed), source.run_id
        )
        for phase in self._told_s:
            loadgen.PHASE_SECONDS.labels(phase, source.arm)
            for route in source.routes:
                self._series(route, phase)

    def begin(self, at_s: float) -> None:
        """Count from this instant of the monotonic clock on: time 0 of the load."""
        self._began_s, self._ended_s = at_s, math.inf
        self._told_s = dict.fromkeys(self._told_s, 0.0)

    def end(self) -> None:
        """Count the time no further; what still comes in is counted."""
        self.refresh()
        self._ended_s = monotonic()

    def arrived(self, arrival: Arrival) -> None:
        """Take an arrival that is due, whether it can be sent or not."""
        self._of(arrival).arrivals.value += 1

    def dropped(self, arrival: Arrival) -> None:
        """Take an arrival that is not sent; it ends as well, see `ended`."""
        self._of(arrival).dropped.value += 1

    def left(self, lag_s: float) -> None:
        """Take a send that came so long after its instant."""
        self._lag.observe(lag_s)

    def ended(self, arrival: Arrival, outcome: Outcome, latency_ms: float, trace_id: str) -> None:
        """Take the end of a request; only a trace that was recorded is an example of its bucket."""
        series = self._of(arrival)
        series.durations[outcome].observe(latency_ms / 1000, trace_id if arrival.sampled else "")
        # As the rows have it, so that this counter and the record agree.
        if outcome is Outcome.OK and round(latency_ms, 3) <= arrival.deadline_s * 1000:
            series.good.value += 1

    def refresh(self) -> None:
        """Bring up to date what is read off instead of counted."""
        source, now_s = self._source, monotonic()
        running = self._began_s <= now_s < self._ended_s
        elapsed_s = now_s - self._began_s if running else 0.0
        self._info.set(int(running))
        loadgen.RUN_SECONDS.set(elapsed_s)
        loadgen.IN_FLIGHT.set(source.in_flight())
        for route, rate_rps in source.rates_rps().items():
            loadgen.TARGET_RATE.labels(route).set(rate_rps if elapsed_s < source.windows[-1][2] and running else 0.0)
        for phase, start_s, end_s in source.windows if running else ():
            spent_s = min(max(elapsed_s - start_s, 0.0), end_s - start_s)
            loadgen.PHASE_SECONDS.labels(phase, source.arm).inc(max(0.0, spent_s - self._told_s[phase]))
            self._told_s[phase] = spent_s

    def _of(self, arrival: Arrival) -> _Route:
        since_s = arrival.due_s - self._began_s
        windows = self._source.windows
        phase = next((name for name, _, end_s in windows if since_s < end_s), windows[-1][0])
        return self._series(arrival.route, phase)

    def _series(self, route: str, phase: str) -> _Route:
        found = self._routes.get((route, phase))
        if found is None:
            labels = {"name": route, "phase": phase, "arm": self._source.arm}
            found = self._routes[route, phase] = _Route(
                arrivals=loadgen.ARRIVALS.series(**labels),
                dropped=loadgen.DROPPED.series(**labels),
                good=loadgen.GOOD.series(**labels),
                durations={outcome: loadgen.DURATION.series(**labels, outcome=outcome.value) for outcome in Outcome},
            )
        return found
