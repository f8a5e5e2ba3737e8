"""Retry depth: a chain of services, the last one is down, and each layer that retries multiplies what arrives there."""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import budgeted_attempts, layered_attempts
from rulezero.checks import figure_within
from rulezero.experiment import Arm, Durations, Experiment, Figures, Prediction, Stream, Yardstick
from toxics import last_of_chain_is_down

LAYERS = ("chain-a", "chain-b", "chain-c")
ATTEMPTS_MAX = 3
BUDGET = 0.2
RATE_RPS = 5.0


def _retries(layers: int) -> Mapping[str, Mapping[str, Any]]:
    """Return the numbers with which the first `layers` services retry."""
    numbers = {"attempts_max": ATTEMPTS_MAX, "base_s": 0.01, "nested": True, "callers": list(LAYERS[:layers])}
    return {"retry": numbers}


def _attempts(figures: Figures) -> float | None:
    """Return attempts at the last service per request, when the savings of a budget are spent."""
    offered_rps = figures["settled_offered_rps"]["fault"]
    rates = figures["settled_attempts_rps"].get(last_of_chain_is_down.LINK)
    return rates["fault"] / offered_rps if rates and offered_rps else None


def _predicted(arm: str, formula: str, attempts: float) -> Prediction:
    name = "attempts at the last service per request"
    return Prediction(arm=arm, name=name, formula=formula, predicted=lambda _: attempts, measured=_attempts)


EXPERIMENT = Experiment(
    name="retry_depth",
    question="The last of four services is down and three layers retry: how many attempts does one request become?",
    prediction=(
        f"{ATTEMPTS_MAX} attempts at each of {len(LAYERS)} layers make {ATTEMPTS_MAX ** len(LAYERS)} at the last "
        f"service, at one layer {ATTEMPTS_MAX}; three layers with a budget of {BUDGET:.0%} make "
        f"{budgeted_attempts(BUDGET, len(LAYERS)):.1f}."
    ),
    streams=(
        Stream(
            route="chain",
            rate_rps=RATE_RPS,
            deadline_s=2.0,
            crosses=("chain-a-chain-b", "chain-b-chain-c", last_of_chain_is_down.LINK),
        ),
    ),
    lab="services/chain/lab.toml",
    faults=(last_of_chain_is_down.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=5, fault_s=12, hold_s=6),
    base=("retry",),
    yardstick=Yardstick(name="attempts at the last service per request", figure=_attempts, chart="attempts"),
    arms=(
        Arm(name="three_layers", numbers=_retries(3)),
        Arm(name="two_layers", numbers=_retries(2)),
        Arm(name="one_layer", numbers=_retries(1)),
        Arm(
            name="budget",
            defences=("retry_budget",),
            numbers={
                **_retries(3),
                "retry_budget": {"form": "finagle", "ratio": BUDGET, "ttl_s": 2.0, "reserve_per_s": 0.0},
            },
        ),
    ),
    demo_arms=("three_layers", "one_layer"),
    checks=(
        figure_within("three_layers", "attempts at the last service per request", _attempts, at_least=15, control=True),
        figure_within("one_layer", "attempts at the last service per request", _attempts, at_most=4),
        figure_within("budget", "attempts at the last service per request", _attempts, at_most=3),
    ),
    predictions=(
        _predicted("three_layers", "attempts ^ layers", layered_attempts(ATTEMPTS_MAX, 3)),
        _predicted("two_layers", "attempts ^ layers", layered_attempts(ATTEMPTS_MAX, 2)),
        _predicted("one_layer", "attempts ^ layers", layered_attempts(ATTEMPTS_MAX, 1)),
        _predicted("budget", "(1 + ratio) ^ layers", budgeted_attempts(BUDGET, len(LAYERS))),
    ),
)
