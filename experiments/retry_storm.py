"""Retry storm: a stall of two seconds, one retry per request, and a system that stays down after the stall is over.

While the replica stalls, requests pile up, and every one that times out is sent again. From then on the service works
off attempts whose callers have left, at twice the load it can carry: the fault is gone and the failure stays
(a metastable failure: Bronson et al., HotOS 2021).
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rulezero.analysis.predict import drained_s, recovery_s
from rulezero.checks import control_fails, keeps_goodput, loses_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream, Variants
from rulezero.faults import Signature, Toxic
from toxics import replica_stalls

CATALOG_PROCESSES = 2
SLOTS = 7
SERVICE_S = 0.085
STATEMENT_S = 0.015  # the search itself and the way there
CAPACITY_RPS = CATALOG_PROCESSES * SLOTS / (SERVICE_S + STATEMENT_S)
LOAD = 0.93
STALL_S = 2.0
HOLD_S = 32.0
TIMEOUT_S = 0.5
PATIENCE_S = TIMEOUT_S - SERVICE_S - STATEMENT_S
QUEUE_MAX = 15  # in each process: served within a quarter of a second
BACKOFF_S = 0.05
# What a sweep varies: the load as a share of the capacity, and how long the stall lasts.
VARIED = {"load": (0.3, 0.95), "stall_s": (1.0, 10.0)}
# Attempts per request while nothing succeeds, of the arms for which there is a closed form.
ATTEMPTS = {"one_retry": 2.0, "no_retry": 1.0, "grpc_budget": 1.0, "ten_percent_budget": 1.1}
SAMPLED_STALL_S = 3.0
TIMEOUTS_MIN = 20

NUMBERS: Mapping[str, Mapping[str, Any]] = {
    # Only the edge times out and retries: clients of the system, as they are usually written.
    "timeout": {"timeout_s": 30.0, "dependency": {"catalog": {"timeout_s": TIMEOUT_S}}},
    "retry": {"attempts_max": 2, "base_s": BACKOFF_S},
}
ONCE = {**NUMBERS, "retry": {"attempts_max": 1}}
GRPC = {**NUMBERS, "retry_budget": {"form": "grpc"}}
FINAGLE = {**NUMBERS, "retry_budget": {"form": "finagle", "ratio": 0.1, "reserve_per_s": 0.0}}
SHORT_QUEUE = {**NUMBERS, "bounded_queue": {"queue_max": QUEUE_MAX}}
BREAKER = {**NUMBERS, "circuit_breaker": {"window_s": 2.0, "volume_min": 20, "failure_rate": 0.5, "open_s": 1.0}}


def _recovery_s(figures: Figures) -> float | None:
    """Go by what is served while there is a line, and by the arrivals as they came.

    One part in a hundred of the capacity moves it by a seventh, and the baseline cannot tell it that well.
    """
    capacity_rps = figures["backlog_rps"].get("catalog")
    if not capacity_rps:
        return None
    return drained_s(figures["arrivals_s"], STALL_S, capacity_rps, patience_s=PATIENCE_S, hold_s=HOLD_S)


def _recovers(arm: str) -> Prediction:
    return Prediction(
        arm=arm,
        name="seconds from the end of the stall to recovery",
        formula="stall x rate / (capacity - rate), over the arrivals as they came, until the line is short for good",
        predicted=_recovery_s,
        measured=lambda figures: figures["recovery_s"],
    )


def predicted_s(point: Mapping[str, float], arm: str) -> float | None:
    """Return the seconds from the end of the stall to recovery: infinite for never, None without a closed form.

    The retries of the last timeout of the stall come after it, so what piled up is of a stall shorter by their part.
    """
    if arm not in ATTEMPTS:
        return None
    load, stall_s, attempts = point.get("load", LOAD), point.get("stall_s", STALL_S), ATTEMPTS[arm]
    late_s = (attempts - 1) / attempts * (TIMEOUT_S + BACKOFF_S / 2)
    found_s = recovery_s(max(0.0, stall_s - late_s), attempts, load * CAPACITY_RPS, CAPACITY_RPS, patience_s=PATIENCE_S)
    return math.inf if found_s is None else found_s


def _at(load: float = LOAD, stall_s: float = STALL_S) -> Experiment:
    """Return the experiment at another load and stall: a measurement, which claims nothing of the defences."""
    point = {"load": load, "stall_s": stall_s}
    return replace(
        EXPERIMENT,
        question=f"After a stall of {stall_s:g} s at {load:.3g} of the capacity, does the system come back?",
        prediction=(
            f"With A attempts per request after stall x A x rate / (capacity - A x rate); never if A x {load:.3g} is "
            "1 or more."
        ),
        streams=tuple(replace(one, rate_rps=round(load * CAPACITY_RPS, 2)) for one in EXPERIMENT.streams),
        faults=(_stall(load, stall_s),),
        durations=replace(EXPERIMENT.durations, fault_s=stall_s),
        checks=(),
        predictions=tuple(_comes_back(arm, predicted_s(point, arm)) for arm in ATTEMPTS),
    )


def _stall(load: float, stall_s: float) -> Toxic:
    """Return the fault. One that is over before two samples are taken is proven by the timeouts that it causes.

    The answers that a short one holds back come within the same sample, so that it would seem that none was.
    """
    if stall_s >= SAMPLED_STALL_S:
        return replica_stalls.FAULT
    timeouts = load * CAPACITY_RPS * (stall_s - TIMEOUT_S)
    labels = {"dependency": "catalog", "outcome": "timeout"}
    least = min(TIMEOUTS_MIN, timeouts / 2)
    signature = Signature(metric="dependency_outcomes_total", labels=labels, increase_min=least)
    return replace(replica_stalls.FAULT, signature=signature)


def _comes_back(arm: str, within_s: float | None) -> Prediction:
    return Prediction(
        arm=arm,
        name="seconds from the end of the stall to recovery",
        formula="stall x A x rate / (capacity - A x rate), until the wait is short; A attempts per request",
        predicted=lambda _: within_s if within_s is not None and math.isfinite(within_s) else None,
        measured=lambda figures: figures["recovery_s"],
    )


EXPERIMENT = Experiment(
    name="retry_storm",
    question="After a stall of two seconds at 93 % load, does the system come back, and which defence brings it back?",
    prediction=(
        "With one retry for each timeout twice the load goes to a service that has 7 % to spare: it never recovers. "
        "Without retries, or with a budget that stops them, the backlog is gone after stall x rate / (capacity - "
        "rate); a budget of 10 % is too much at this load; whatever drops work that nobody waits for recovers at once."
    ),
    streams=(
        Stream(
            route="search",
            rate_rps=round(LOAD * CAPACITY_RPS),
            deadline_s=2 * TIMEOUT_S + 0.1,
            keys=Keys(low=1, high=9),
            crosses=("edge-catalog", "catalog-replica"),
        ),
    ),
    services={
        "edge": {"RULEZERO_SLOTS": "5000"},
        **{
            f"catalog-{number}": {
                "RULEZERO_SLOTS": str(SLOTS),
                "RULEZERO_SERVICE_S": str(SERVICE_S),
                "RULEZERO_SERVICE_CV": "0",
            }
            for number in range(1, CATALOG_PROCESSES + 1)
        },
    },
    faults=(replica_stalls.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=8, fault_s=STALL_S, hold_s=HOLD_S),
    base=("timeout", "retry"),
    arms=(
        Arm(name="one_retry", numbers=NUMBERS),
        Arm(name="no_retry", numbers=ONCE),
        Arm(name="grpc_budget", defences=("retry_budget",), numbers=GRPC),
        Arm(name="ten_percent_budget", defences=("retry_budget",), numbers=FINAGLE),
        Arm(name="deadline", defences=("deadline",), numbers=NUMBERS),
        Arm(name="short_queue", defences=("bounded_queue",), numbers=SHORT_QUEUE),
        Arm(name="circuit_breaker", defences=("circuit_breaker",), numbers=BREAKER),
        Arm(
            name="all_three",
            defences=("deadline", "bounded_queue", "circuit_breaker"),
            numbers={**SHORT_QUEUE, **BREAKER},
        ),
    ),
    demo_arms=("one_retry", "deadline"),
    checks=(
        control_fails("one_retry", phase="hold", at_most=0.1),
        loses_goodput("ten_percent_budget", phase="hold", at_most=0.1),
        *(keeps_goodput(arm, phase="hold", at_least=0.2) for arm in ("no_retry", "grpc_budget")),
        *(
            keeps_goodput(arm, phase="hold", at_least=0.8)
            for arm in ("deadline", "short_queue", "circuit_breaker", "all_three")
        ),
    ),
    predictions=(_recovers("no_retry"), _recovers("grpc_budget")),
    variants=Variants(parameters=VARIED, build=_at, predicted=predicted_s),
)
