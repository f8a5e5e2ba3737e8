"""Every experiment as it is written down: all names exist, all numbers are taken, all times lie where they must."""

import ast
import re
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from rulezero.analysis.figures import arm_figures
from rulezero.checkout import choose_arms, experiment_names, load_experiment
from rulezero.experiment import MEASURED, Experiment, Load, Stream
from rulezero.faults import CacheExpiry, CacheFlush, Kill, Signature, Toxic
from rulezero.lab.description import PROGRAM_PARTS, read_description
from rulezero.lab.links import read_links
from rulezero.load import LoadPlan, encode
from rulezero.settings import read_settings
from rulezero.telemetry import metrics as exported
from rulezero.toggles.presets import PRESETS, enable, preset
from rulezero.toggles.settings import NAMES, Toggles, defaults, merge
from rulezero.toxiproxy.toxics import BEHAVIOURS
from tests.analysis.frames import manifest, metrics, row, rows

ROOT = Path(__file__).parents[2]
DEMO_LOAD_S_MAX = 0.7 * 180  # three minutes, at most 70 % of them load
RECOVERY_SEEN_S = 6
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}

EXPERIMENTS = {name: load_experiment(name) for name in experiment_names()}
everyone = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)


def services_of(experiment: Experiment) -> set[str]:
    return {service.name for service in read_description(ROOT / experiment.lab, ROOT).services}


def links_of(experiment: Experiment) -> set[str]:
    description = read_description(ROOT / experiment.lab, ROOT)
    return {link.name for link in read_links(description.links_path, {*services_of(experiment), *PROGRAM_PARTS})}


def routes_of_the_shop() -> set[str]:
    """Return the routes of loadtests/shop.py without importing it: Locust would patch this process."""
    tree = ast.parse((ROOT / "loadtests/shop.py").read_text(encoding="utf-8"))
    table = next(node for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "ROUTES")
    return set(ast.literal_eval(ast.Set([key for key in getattr(table.value, "keys", []) if key is not None])))


def metric_names() -> set[str]:
    return {
        f"{family.name}{suffix}"
        for metric in vars(exported).values()
        if isinstance(metric, MetricWrapperBase)
        for family in metric.describe()
        for suffix in SUFFIXES[family.type]
    }


def in_force(experiment: Experiment, name: str) -> Toggles:
    """Return the toggles of an arm, as the services would: nothing but the experiment says what they are."""
    (arm,) = choose_arms(experiment, (name,))
    toggles = preset(defaults(), arm.preset or "none")
    if arm.preset is None:
        toggles = enable(toggles, (*experiment.base, *arm.defences))
    return merge(toggles, arm.numbers)


def test_there_are_experiments() -> None:
    """The two that `make demo` runs, at least."""
    assert {"cascading_failure", "thundering_herd"} <= set(EXPERIMENTS)


@everyone
def test_the_file_is_named_after_the_experiment(experiment: Experiment) -> None:
    """One thing, one name; question and prediction are sentences."""
    assert EXPERIMENTS[experiment.name] is experiment
    assert experiment.question.endswith("?")
    assert experiment.prediction.endswith(".")


@everyone
def test_the_first_arm_is_the_control(experiment: Experiment) -> None:
    """No defence is on in it but what all arms have; and no other arm is the same."""
    toggles = in_force(experiment, experiment.control.name)
    assert {name for name, toggle in toggles.items() if toggle.enabled} == set(experiment.base)
    assert not experiment.control.services
    assert all(in_force(experiment, arm.name) != toggles or arm.services for arm in experiment.arms[1:])


@everyone
def test_arms_are_told_apart_and_their_defences_exist(experiment: Experiment) -> None:
    """Names are unique; presets, defences and numbers are those that services take."""
    names = [arm.name for arm in experiment.arms]
    assert len(set(names)) == len(names)
    for arm in experiment.arms:
        assert arm.preset is None or (arm.preset in PRESETS and not arm.defences)
    used = {name for arm in experiment.arms for name in (*arm.defences, *(NAMES if arm.preset == "all" else ()))}
    used |= set(experiment.base)
    assert {name for arm in experiment.arms for name in arm.numbers} <= used, "numbers that no arm uses change nothing"


@everyone
def test_demo_arms_are_arms_and_begin_with_the_control(experiment: Experiment) -> None:
    """A control and a defended arm each, unless what is compared are the users."""
    arms = choose_arms(experiment, experiment.demo_arms)
    assert arms[0] == experiment.control
    assert len(arms) >= 2 or experiment.closed


@everyone
def test_the_control_must_fail(experiment: Experiment) -> None:
    """One check says so, unless nothing is done to it at all; every check and prediction speaks of arms that exist."""
    names = {arm.name for arm in experiment.arms}
    control_checks = [check for check in experiment.checks if check.control]
    fails = experiment.faults or experiment.bursts or experiment.yardstick
    assert [check.arms for check in control_checks] == ([(experiment.control.name,)] if fails else [])
    assert all(set(check.arms) <= names for check in experiment.checks)
    assert {prediction.arm for prediction in experiment.predictions} <= names


@everyone
def test_every_arm_is_spoken_of(experiment: Experiment) -> None:
    """By a check or a prediction: an arm that nothing is claimed of could do anything and the run be supported."""
    spoken = {name for check in experiment.checks for name in check.arms}
    spoken |= {prediction.arm for prediction in experiment.predictions}
    assert spoken == {arm.name for arm in experiment.arms}


@everyone
def test_every_demo_has_a_claim_about_its_defence(experiment: Experiment) -> None:
    """A demo that claims nothing would end as supported for nothing."""
    claimed = {name for check in experiment.checks if not check.control for name in check.arms}
    assert set(experiment.demo_arms) - {experiment.control.name} <= claimed


@everyone
def test_links_and_routes_exist(experiment: Experiment) -> None:
    """In crosses: links, or links of one service as a group."""
    for stream in experiment.streams:
        assert stream.crosses
        assert set(stream.crosses) <= {re.sub(r"-\d+$", "", link) for link in links_of(experiment)}
    loads: tuple[Load, ...] = (*experiment.streams, *experiment.bursts, *experiment.closed)
    assert {load.route for load in loads} <= routes_of_the_shop()


@everyone
def test_the_load_is_one_that_the_generator_takes(experiment: Experiment) -> None:
    """Windows, routes, keys and bursts contradict nothing."""
    plan = LoadPlan(
        seed=1,
        host="http://127.0.0.1:1",
        windows=experiment.durations.windows(),
        streams=experiment.streams,
        bursts=experiment.bursts,
        closed=experiment.closed,
        rows_path="rows.csv",
        generator_path="generator.csv",
        run_id="x",
        in_flight_max=experiment.in_flight_max,
    )
    assert encode(plan)
    assert all(isinstance(stream, Stream) for stream in plan.streams)
    assert sum(burst.count for burst in experiment.bursts) < experiment.in_flight_max, "a burst would be dropped"


@everyone
def test_an_arm_that_left_next_to_nothing_is_judged_too(experiment: Experiment) -> None:
    """A run that ended in its warm-up has rows and no metrics: nothing is made up, and nothing breaks."""
    run = manifest(
        streams=[asdict(stream) for stream in experiment.streams],
        bursts=[asdict(burst) for burst in experiment.bursts],
        windows=[list(window) for window in experiment.durations.windows()],
    )
    left = {
        arm.name: arm_figures(rows(row(0.5)), metrics(), run, {"name": arm.name, "defences": []})
        for arm in experiment.arms
    }
    results = [check.judge(left) for check in experiment.checks]
    assert not any(result.held for result in results if "could not be measured" in result.text)
    for prediction in experiment.predictions:
        assert prediction.measured(left[prediction.arm]) in (None, 0.0)
        assert isinstance(prediction.predicted(left[prediction.arm]), float | int | None)
    if experiment.yardstick is not None:
        assert {experiment.yardstick.figure(figures) for figures in left.values()} <= {None, 0.0}


@everyone
def test_phases_are_long_enough_to_see_something(experiment: Experiment) -> None:
    """Every phase is there, and the hold shows a recovery."""
    lengths_s = {name: end_s - start_s for name, start_s, end_s in experiment.durations.windows()}
    assert all(lengths_s[name] >= 2 for name in MEASURED)
    assert lengths_s["hold"] >= RECOVERY_SEEN_S


@everyone
def test_settings_of_services_exist(experiment: Experiment) -> None:
    """Names of instances, and variables that a service reads."""
    told = (experiment.services, *(arm.services for arm in experiment.arms))
    assert {name for services in told for name in services} <= services_of(experiment) | {"*"}
    for variables in (variables for services in told for variables in services.values()):
        settings = read_settings({"RULEZERO_SERVICE": "x", "RULEZERO_LINKS": "{}", **variables})
        assert len(settings.overrides) == len(variables)


@everyone
def test_faults_lie_within_the_fault_phase(experiment: Experiment) -> None:
    """From their first instant to their last; existing links, toxics and attributes."""
    for fault in experiment.faults:
        if isinstance(fault, CacheExpiry):
            assert fault.at_s
            assert all(fault.lead_s <= at_s < experiment.durations.fault_s for at_s in fault.at_s)
            gaps_s = [after_s - before_s for before_s, after_s in pairwise(fault.at_s)]
            assert all(gap_s > fault.lead_s for gap_s in gaps_s), "an entry would be given a new end before its end"
        if isinstance(fault, CacheFlush):
            assert 0 <= fault.at_s < experiment.durations.fault_s
        if isinstance(fault, Kill):
            assert fault.part in services_of(experiment) | set(PROGRAM_PARTS) - {"toxiproxy"}
            assert 0 <= fault.at_s < fault.at_s + fault.for_s <= experiment.durations.fault_s
        if not isinstance(fault, Toxic):
            continue
        assert fault.link in links_of(experiment)
        assert set(fault.attributes) <= set(BEHAVIOURS[fault.type]().__dataclass_fields__)
        assert 0 < fault.toxicity <= 1
        assert 0 <= fault.at_s < experiment.durations.fault_s
        assert fault.for_s is None or fault.at_s + fault.for_s <= experiment.durations.fault_s


@everyone
def test_every_fault_can_be_proven(experiment: Experiment) -> None:
    """By a metric that services export, and by exactly one bound."""
    for fault in experiment.faults:
        signature = fault.signature
        assert isinstance(signature, Signature)
        bounds = (signature.ratio_max, signature.ratio_min, signature.increase_min)
        assert sum(bound is not None for bound in bounds) == 1
        assert signature.metric in metric_names()


def test_the_demo_leaves_time_for_the_rest() -> None:
    """Load of both demo experiments: at most 70 % of three minutes."""
    demo = [EXPERIMENTS[name] for name in ("cascading_failure", "thundering_herd")]
    assert sum(one.durations.total_s * len(one.demo_arms) for one in demo) <= DEMO_LOAD_S_MAX
