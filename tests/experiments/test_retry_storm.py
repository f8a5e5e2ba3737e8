"""retry_storm at other loads and stalls: what stays, what changes, and what the closed form says."""

import math
from dataclasses import replace
from typing import Any

import pytest

from rulezero.checkout import at_point, load_experiment, load_variant
from rulezero.cli.experiments import recorded
from rulezero.errors import UsageProblem
from rulezero.experiment import Durations, Experiment, Variants
from rulezero.faults import Toxic
from rulezero.runner.manifest import new_manifest
from toxics import replica_stalls

EXPERIMENT = load_experiment("retry_storm")


def variants() -> Variants:
    assert EXPERIMENT.variants is not None
    return EXPERIMENT.variants


def signature(experiment: Experiment) -> Any:
    (fault,) = experiment.faults
    assert isinstance(fault, Toxic)
    return fault.signature


def test_the_file_itself_is_not_a_variant() -> None:
    """Its load, its phases, its arms and its claims."""
    assert EXPERIMENT.durations == Durations(warmup_s=3, baseline_s=8, fault_s=2.0, hold_s=32.0)
    (stream,) = EXPERIMENT.streams
    assert (stream.route, stream.rate_rps, stream.deadline_s) == ("search", 130, 1.1)
    assert [arm.name for arm in EXPERIMENT.arms] == [
        "one_retry", "no_retry", "grpc_budget", "ten_percent_budget", "deadline", "short_queue", "circuit_breaker",
        "all_three",
    ]  # fmt: skip
    assert EXPERIMENT.faults == (replica_stalls.FAULT,)
    assert (len(EXPERIMENT.checks), len(EXPERIMENT.predictions), EXPERIMENT.variant) == (8, 2, {})


def test_a_point_is_the_same_system_under_another_load_and_stall() -> None:
    """It claims nothing of the defences; the closed form stands beside the measurement."""
    at = at_point(EXPERIMENT, {"load": 0.5, "stall_s": 4.0})
    assert (at.arms, at.services, at.base) == (EXPERIMENT.arms, EXPERIMENT.services, EXPERIMENT.base)
    assert at.streams == (replace(EXPERIMENT.streams[0], rate_rps=70),)
    assert at.durations == replace(EXPERIMENT.durations, fault_s=4.0)
    assert at.checks == ()
    assert {one.arm: one.predicted({}) for one in at.predictions}["one_retry"] is None
    assert at.variant == {"load": 0.5, "stall_s": 4.0}


def test_what_is_left_out_stays() -> None:
    """A sweep of one parameter."""
    assert at_point(EXPERIMENT, {"stall_s": 5.0}).streams[0].rate_rps == 130.2
    assert at_point(EXPERIMENT, {"load": 0.5}).durations.fault_s == 2


def test_a_short_stall_is_proven_by_what_times_out() -> None:
    """A ratio of rates needs several samples; how many timeouts are asked for goes by how many there must be."""
    assert signature(at_point(EXPERIMENT, {"stall_s": 3.0})) == signature(EXPERIMENT)
    short = signature(at_point(EXPERIMENT, {"load": 0.3, "stall_s": 1.0}))
    assert short.labels == {"dependency": "catalog", "outcome": "timeout"}
    assert short.increase_min == pytest.approx(10.5)
    assert signature(at_point(EXPERIMENT, {"load": 0.9, "stall_s": 2.0})).increase_min == 20


@pytest.mark.parametrize(
    ("load", "stall_s", "arm", "seconds"),
    [
        (0.3, 10.0, "one_retry", 13.6),
        (0.49, 1.0, "one_retry", 16.1),
        (0.5, 1.0, "one_retry", math.inf),
        (0.95, 10.0, "one_retry", math.inf),
        (0.5, 2.0, "no_retry", 1.2),
        (0.5, 2.0, "grpc_budget", 1.2),
        (0.95, 10.0, "no_retry", 182.0),
        (0.95, 1.0, "ten_percent_budget", math.inf),
        (0.3, 1.0, "no_retry", 0.0),
        (0.5, 2.0, "deadline", None),
    ],
)
def test_the_closed_form(load: float, stall_s: float, arm: str, seconds: float | None) -> None:
    """Stall x A x rate over what the capacity has to spare; never without any; none for what drops dead work."""
    predicted = variants().predicted({"load": load, "stall_s": stall_s}, arm)
    assert predicted == (seconds if seconds is None else pytest.approx(seconds, abs=0.05))


def test_it_takes_longer_with_more_load_and_longer_stalls() -> None:
    """Over the whole range that may be varied."""
    (low, high), (short, long) = variants().parameters["load"], variants().parameters["stall_s"]
    for arm in ("one_retry", "no_retry", "ten_percent_budget"):
        for stall_s in (short, 4.0, long):
            loads = [low + (high - low) * step / 20 for step in range(21)]
            found = [variants().predicted({"load": load, "stall_s": stall_s}, arm) or 0.0 for load in loads]
            assert found == sorted(found)
        stalls = [variants().predicted({"load": 0.45, "stall_s": stall_s}, arm) or 0.0 for stall_s in (1, 2, 5, 10)]
        assert stalls == sorted(stalls)


def test_a_record_finds_its_point_again() -> None:
    """By its manifest, which also says how to run the same again."""
    at = at_point(EXPERIMENT, {"load": 0.4625, "stall_s": 1.0})
    manifest = new_manifest(at, at.arms[:1], 2, ["edge"])
    again = recorded(manifest)
    assert (again.streams, again.durations, again.faults) == (at.streams, at.durations, at.faults)
    assert (again.checks, again.variant) == ((), {"load": 0.4625, "stall_s": 1.0})
    assert manifest["reproduce"] == (
        "rulezero sweep retry_storm --arm one_retry --vary load=0.4625 --vary stall_s=1 --seed 2"
    )


def test_a_record_of_the_file_itself() -> None:
    """Older manifests say nothing of variants."""
    manifest = new_manifest(EXPERIMENT, EXPERIMENT.arms, 1, [])
    assert manifest["variant"] == {}
    assert recorded(manifest) is EXPERIMENT
    assert recorded({"experiment": "retry_storm"}) is EXPERIMENT


@pytest.mark.parametrize("point", [1, "load", ["load"], {"load": "much"}, {"lode": 0.5}, {"load": None}])
def test_a_point_that_was_edited(point: object) -> None:
    """One line."""
    with pytest.raises(UsageProblem) as problem:
        load_variant("retry_storm", point)
    assert "\n" not in str(problem.value)


def test_an_experiment_without_variants() -> None:
    """Its record cannot be of a point."""
    with pytest.raises(UsageProblem, match="nothing that can be varied"):
        load_variant("thundering_herd", {"load": 0.5})
