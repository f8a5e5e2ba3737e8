"""What the load generator tells: the load as it was meant, and as users met it.

`name` is a route; `phase` and `arm` are those of the plan, or "by_hand". Latency counts from the instant at which a
request was due, and every arrival ends in one of the six outcomes: an arrival that was dropped in "not_sent".
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest

from rulezero.telemetry.counts import LoopCounter
from rulezero.telemetry.histograms import LoopHistogram
from rulezero.telemetry.metrics import SECONDS

LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

DURATION = LoopHistogram(
    "loadgen_request_duration_seconds",
    "Time from the intended send to the end, whatever the end.",
    ["name", "phase", "arm", "outcome"],
    SECONDS,
)
SEND_LAG = LoopHistogram(
    "loadgen_send_lag_seconds", "Time from the intended send to the actual one: the generator's own fault.", [], LAGS
)
ARRIVALS = LoopCounter("loadgen_arrivals", "Requests that were due.", ["name", "phase", "arm"], registry=REGISTRY)
DROPPED = LoopCounter(
    "loadgen_dropped_arrivals", "Requests that were due and not sent.", ["name", "phase", "arm"], registry=REGISTRY
)
GOOD = LoopCounter(
    "loadgen_good", "Answers that are correct and within the deadline.", ["name", "phase", "arm"], registry=REGISTRY
)
PHASE_SECONDS = Counter(
    "loadgen_phase_seconds", "Time that the load has spent in a phase.", ["phase", "arm"], registry=REGISTRY
)
TARGET_RATE = Gauge("loadgen_target_rate", "Arrivals per second that are wanted now.", ["name"], registry=REGISTRY)
IN_FLIGHT = Gauge("loadgen_in_flight_requests", "Requests without an answer yet.", registry=REGISTRY)
RUN_SECONDS = Gauge("loadgen_run_seconds", "Time since the load began.", registry=REGISTRY)
EXPERIMENT_INFO = Gauge(
    "experiment_info", "1 while an arm runs.", ["experiment", "arm", "seed", "run_id"], registry=REGISTRY
)

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_END = b"# EOF\n"


def exposition(*others: CollectorRegistry) -> Iterator[bytes]:
    """Yield the text of a scrape, in pieces of which none takes long; `others` are told as well."""
    for registry in (REGISTRY, *others):
        text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # The library leaves it untyped.
        yield text.removesuffix(_END)
    yield SEND_LAG.text().encode()
    yield DURATION.text().encode()
    yield _END
