"""Dead work: a service that is busy all the time, and nothing of what it does reaches anybody.

The line is longer than the callers' patience, so every request that is served has been given up already. When callers
say how long they wait, the service can leave out what it could not finish in time, and stop what is overdue.
"""

from collections.abc import Mapping
from typing import Any

from rulezero.checks import control_fails, figure_within, keeps_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import replica_stalls

CATALOG_PROCESSES = 2
SLOTS = 7
SERVICE_S = 0.085
STATEMENT_S = 0.015
CAPACITY_RPS = CATALOG_PROCESSES * SLOTS / (SERVICE_S + STATEMENT_S)
LOAD = 0.93
TIMEOUT_S = 0.5

NUMBERS: Mapping[str, Mapping[str, Any]] = {
    "timeout": {"timeout_s": 30.0, "dependency": {"catalog": {"timeout_s": TIMEOUT_S}}},
    "retry": {"attempts_max": 2, "base_s": 0.05},
}


def _dead_share(figures: Figures) -> float | None:
    return _dead(figures, "share")


def _dead_rps(figures: Figures) -> float | None:
    return _dead(figures, "rps")


def _dead(figures: Figures, what: str) -> float | None:
    dead: Mapping[str, Mapping[str, float | None]] | None = figures["dead_work"].get("catalog")
    return dead[what]["hold"] if dead else None


def _capacity_rps(figures: Figures) -> float | None:
    rate_rps: float | None = figures["capacity_rps"].get("catalog")
    return rate_rps


EXPERIMENT = Experiment(
    name="dead_work",
    question="How much of what a service does after a stall is for nobody, and what if it knew its callers' deadlines?",
    prediction=(
        "Without deadlines all of it: the service answers at its capacity, and every answer is dead. When it knows how "
        "long its callers wait next to nothing is, and goodput is back within seconds."
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
                "RULEZERO_SERVICE_CV": "0",  # With more spread than this the control falls over without any fault.
            }
            for number in range(1, CATALOG_PROCESSES + 1)
        },
    },
    faults=(replica_stalls.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=9, fault_s=3, hold_s=20),
    base=("timeout", "retry"),
    arms=(Arm(name="no_deadline", numbers=NUMBERS), Arm(name="deadline", defences=("deadline",), numbers=NUMBERS)),
    demo_arms=("no_deadline", "deadline"),
    checks=(
        control_fails("no_deadline", phase="hold", at_most=0.1),
        keeps_goodput("deadline", phase="hold", at_least=0.7),
        figure_within(
            "deadline",
            "share of the catalog's time in hold that was for callers who had left",
            _dead_share,
            at_most=0.1,
        ),
    ),
    predictions=(
        Prediction(
            arm="no_deadline",
            name="share of the catalog's time in hold that was for callers who had left",
            formula="all",
            predicted=lambda _: 1.0,
            measured=_dead_share,
            band=0.1,
        ),
        Prediction(
            arm="no_deadline",
            name="dead answers a second in hold",
            formula="capacity",
            predicted=_capacity_rps,
            measured=_dead_rps,
            band=0.15,
        ),
    ),
)
