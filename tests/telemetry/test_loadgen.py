"""The load generator's metrics: the whole contract in one text that Prometheus can read."""

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics import MetricWrapperBase

from rulezero.telemetry import loadgen
from rulezero.telemetry.counts import LoopCounter
from rulezero.telemetry.histograms import LoopHistogram
from tests.openmetrics import families


def test_one_text_holds_every_metric_and_ends_once() -> None:
    """The library's, ours, those of other registries, and what the process says of itself."""
    other = CollectorRegistry()
    Gauge("elsewhere", "Of another registry.", registry=other).set(3)
    text = b"".join(loadgen.exposition(other)).decode()
    assert text.endswith("# EOF\n")
    assert text.count("# EOF") == 1
    told = {family.name for family in families(text)}
    declared = {metric._name for metric in vars(loadgen).values() if isinstance(metric, MetricWrapperBase)}
    ours = {metric.name for metric in vars(loadgen).values() if isinstance(metric, LoopHistogram | LoopCounter)}
    assert declared | ours | {"elsewhere", "process_cpu_seconds"} <= told


def test_the_thresholds_of_the_latency_slos_are_exact_bounds() -> None:
    """Else how many met them could only be guessed."""
    assert {0.25, 1.0} <= set(loadgen.DURATION.bounds)
