"""What is exported, read off the modules that export it: metric name to labels. Nothing is listed by hand but what
Prometheus itself adds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Summary

from dashboards.rules import rule_files
from dashboards.slo import read_promises
from rulezero.telemetry import faults, loadgen, metrics
from rulezero.telemetry.counts import LoopCounter
from rulezero.telemetry.histograms import LoopHistogram

TARGET_LABELS = {"job", "instance"}
ADDED_BY_PROMETHEUS = ("up", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling")


def exported() -> dict[str, set[str]]:
    """Return the labels of every series that a rule or a panel may ask for."""
    found = dict.fromkeys(ADDED_BY_PROMETHEUS, TARGET_LABELS)
    for module in (metrics, loadgen, faults):
        for metric in vars(module).values():
            found |= {name: labels | TARGET_LABELS for name, labels in _series(metric)}
    for family in REGISTRY.collect():
        if family.name.startswith("process_"):
            found |= {sample.name: TARGET_LABELS for sample in family.samples}
    return found | _recorded()


def bounds(histogram: str) -> set[str]:
    """Return the bounds that the buckets of a metric have, as labels."""
    for module in (metrics, loadgen):
        for metric in vars(module).values():
            if isinstance(metric, LoopHistogram) and metric.name == histogram:
                return {repr(float(bound)) for bound in metric.bounds}
            if isinstance(metric, Histogram) and metric._name == histogram:
                return {repr(float(bound)) for bound in metric._upper_bounds}
    raise KeyError(histogram)


def counters() -> set[str]:
    """Return the names of everything that only grows."""
    found = set()
    for module in (metrics, loadgen):
        for metric in vars(module).values():
            if isinstance(metric, Counter | LoopCounter | Histogram | LoopHistogram | Summary):
                found |= {name for name, _ in _series(metric)}
    return found | {"process_cpu_seconds_total"}


def rules() -> Iterator[Mapping[str, Any]]:
    """Yield every generated rule."""
    for text in rule_files(read_promises()).values():
        for group in yaml.safe_load(text)["groups"]:
            yield from group["rules"]


def _recorded() -> dict[str, set[str]]:
    found = {"ALERTS": {"alertname", "alertstate", "slo"}}
    for rule in rules():
        labels = set(rule.get("labels", {}))
        if "alert" in rule:
            found["ALERTS"] |= labels
        else:
            found[rule["record"]] = found.get(rule["record"], set()) | labels
    # What rules take over from the series that they are made of.
    found["slo:burn_rate:ratio"].add("window")
    found["queue:growth:rate"] |= {"arm", "run_id"}
    return found


def _series(metric: object) -> Iterator[tuple[str, set[str]]]:
    match metric:
        case LoopCounter():
            yield f"{metric.name}_total", set(metric.labels)
        case LoopHistogram():
            yield from _parts(metric.name, set(metric.labels))
        case Counter():
            yield f"{metric._name}_total", set(metric._labelnames)
        case Histogram():
            yield from _parts(metric._name, set(metric._labelnames))
        case Summary():
            yield f"{metric._name}_sum", set(metric._labelnames)
            yield f"{metric._name}_count", set(metric._labelnames)
        case Gauge():
            yield metric._name, set(metric._labelnames)


def _parts(name: str, labels: set[str]) -> Iterator[tuple[str, set[str]]]:
    yield f"{name}_bucket", {*labels, "le"}
    yield f"{name}_sum", labels
    yield f"{name}_count", labels
