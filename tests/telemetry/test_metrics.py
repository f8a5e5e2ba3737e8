from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram, Summary, generate_latest

from rulezero.telemetry import metrics
from rulezero.telemetry.counts import LoopCounter

Metric = Counter | Gauge | Histogram | Summary | LoopCounter
FORBIDDEN = {"run", "run_id", "key", "user", "url", "path", "operation_id", "trace_id"}


def contract() -> Iterator[tuple[str, Metric]]:
    for name, value in vars(metrics).items():
        if isinstance(value, Metric):
            yield name, value


def test_no_metric_has_a_label_without_bound() -> None:
    """Each value of a label is a series for ever."""
    assert len(list(contract())) > 20
    for name, metric in contract():
        labels = metric.labels if isinstance(metric, LoopCounter) else metric._labelnames
        assert not FORBIDDEN & set(labels), name


def test_the_thresholds_of_the_latency_slos_are_exact_bounds_of_every_duration() -> None:
    """Else how many met them can only be guessed."""
    for name, metric in contract():
        if isinstance(metric, Histogram) and metric._name.endswith("_seconds"):
            assert {0.25, 1.0} <= set(metric._kwargs["buckets"]), name


def test_no_sample_tells_when_it_was_created() -> None:
    """It would double the size of each scrape."""
    metrics.CONFIG_RELOADS.labels(result="applied").inc(0)
    assert b"_created" not in generate_latest()
