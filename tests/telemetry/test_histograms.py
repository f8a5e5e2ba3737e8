"""The generator's own histogram: what Prometheus reads is what prometheus_client would have written."""

import random

from prometheus_client import CollectorRegistry, Histogram

from rulezero.telemetry.histograms import Distribution, LoopHistogram
from tests.openmetrics import families

BOUNDS = (0.005, 0.25, 1.0, 2.5)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    (family,) = families(text + "# EOF\n")
    assert (family.name, family.type) == ("took_seconds", "histogram")
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in family.samples}


def theirs(registry: CollectorRegistry) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_it_says_what_the_library_would_say() -> None:
    """The same samples for the same observations, bounds and what lies beyond them included; series without any too."""
    registry, draw = CollectorRegistry(), random.Random(1)
    model = Histogram("took_seconds", "Time.", ["route", "outcome"], buckets=BOUNDS, registry=registry)
    ours = LoopHistogram("took_seconds", "Time.", ["route", "outcome"], BOUNDS)
    for route in ("browse", "search"):
        for outcome in ("ok", "error"):
            model.labels(route, outcome)
            ours.series(route=route, outcome=outcome)
    for value in (*BOUNDS, 0.0, *(draw.expovariate(1.0) for _ in range(200))):
        model.labels("browse", "ok").observe(value)
        ours.series(outcome="ok", route="browse").observe(value)
    assert read(ours.text()) == theirs(registry)


def test_without_labels() -> None:
    """One series, and no braces around nothing."""
    ours = LoopHistogram("took_seconds", "Time.", [], BOUNDS)
    ours.series().observe(0.1)
    assert "took_seconds_count 1\n" in ours.text()
    assert read(ours.text())["took_seconds_bucket", (("le", "0.25"),)] == 1


def test_a_value_on_a_bound_is_within_it() -> None:
    """As `le` says: what takes just as long as promised keeps the promise."""
    distribution = Distribution(BOUNDS)
    for value in BOUNDS:
        distribution.observe(value)
    assert distribution.counts == [1, 1, 1, 1, 0]


def test_the_last_trace_of_a_bucket_is_its_example() -> None:
    """With its value and its time, so that a point on a chart leads to a trace."""
    ours = LoopHistogram("took_seconds", "Time.", ["route"], BOUNDS)
    series = ours.series(route="browse")
    series.observe(0.1, "aa")
    series.observe(0.2, "bb")
    series.observe(0.15)
    (family,) = families(ours.text() + "# EOF\n")
    examples = {sample.labels["le"]: sample.exemplar for sample in family.samples if sample.exemplar}
    assert set(examples) == {"0.25"}
    assert (examples["0.25"].labels, examples["0.25"].value) == ({"trace_id": "bb"}, 0.2)
    assert str(examples["0.25"].timestamp) > "1600000000"


def test_no_label_can_break_the_text() -> None:
    """An arm may be called whatever its author likes."""
    ours = LoopHistogram("took_seconds", "Time.", ["arm"], BOUNDS)
    ours.series(arm='a"b\\c\nd')
    assert {labels for name, labels in read(ours.text()) if name == "took_seconds_count"} == {(("arm", 'a"b\\c\nd'),)}


def test_what_is_cleared_is_gone() -> None:
    """Only the head is left."""
    ours = LoopHistogram("took_seconds", "Time.", [], BOUNDS)
    ours.series().observe(1)
    ours.clear()
    assert ours.text() == "# HELP took_seconds Time.\n# TYPE took_seconds histogram\n"
