"""Cascading failure: payment hangs, and browsing, which has nothing to do with payment, may die of it.

Every request of a user holds one of the edge's slots until it is answered. Checkouts that wait for a payment that
never comes take one slot after another, and when the last is gone the healthy route is dead too.
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import layered_attempts, pool_exhaustion_s, recovery_s
from rulezero.checks import control_fails, figure_within, keeps_goodput, loses_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import payment_hangs

BROWSE_RPS = 100.0
CHECKOUT_RPS = 20.0
EDGE_SLOTS = 36
EDGE_SERVICE_S = 0.12
PAYMENT_S = 0.057  # payment's service time and the writes around it
FAULT_S, HOLD_AFTER_S = 10.0, 14.0

OFFERED_RPS = BROWSE_RPS + CHECKOUT_RPS
HOLD_S = EDGE_SERVICE_S + PAYMENT_S * CHECKOUT_RPS / OFFERED_RPS
PATIENCE_S = 1.0
BOUNDED = ("timeout", "circuit_breaker", "bulkhead", "deadline", "all")
EXHAUSTED_S = pool_exhaustion_s(EDGE_SLOTS, CHECKOUT_RPS)


# Nested timeouts must not be longer inside than outside, and the edge's share for checkout leaves browsing its slots.
NUMBERS: Mapping[str, Mapping[str, Any]] = {
    "timeout": {"timeout_s": 0.8, "dependency": {"payment": {"timeout_s": 0.5}}},
    "bulkhead": {"permits": 100, "dependency": {"checkout": {"permits": 16}, "payment": {"permits": 16}}},
    # An open time that doubles would outlive the fault, or not, by the chance of its jitter.
    "circuit_breaker": {
        "window_s": 2.0,
        "volume_min": 10,
        "failure_rate": 0.5,
        "open_s": 1.0,
        "open_max_s": 1.0,
        "probes": 3,
    },
}


def _predicted_recovery_s(figures: Figures) -> float | None:
    """Go by the load that this seed offered, a tenth off its rate in a few seconds, and by what the edge can serve.

    What it can serve depends on the way to it too: through a container's network it is a tenth less.
    """
    checkouts_rps = figures["routes"]["checkout"]["offered_rps"]["fault"]
    stall_s = FAULT_S - pool_exhaustion_s(EDGE_SLOTS, checkouts_rps) if checkouts_rps else 0.0
    capacity_rps = figures["capacity_rps"].get("edge")
    if not capacity_rps:
        return None
    return recovery_s(stall_s, 1, figures["offered_rps"]["fault"], capacity_rps, patience_s=PATIENCE_S - HOLD_S)


def _recovery_s(figures: Figures) -> float | None:
    found: float | None = figures["recovery_s"]
    return found


def _attempts_per_order(figures: Figures) -> float | None:
    attempts = figures["attempts_per_request"]
    orders: float | None = attempts["edge-checkout"]["fault"]
    return attempts["checkout-payment"]["fault"] / orders if orders else None


EXPERIMENT = Experiment(
    name="cascading_failure",
    question="When payment hangs, does browsing survive, and what is left when payment is back?",
    prediction=(
        f"Without a defence checkouts that hang fill the edge's {EDGE_SLOTS} slots: it is as if it stood still from "
        f"{EXHAUSTED_S:.1f} s after the fault on (slots / hanging requests a second). Every route fails, and the "
        "backlog outlives the fault; any bound on waiting keeps browsing alive. With everything on, throttles go on "
        "refusing checkouts for seconds when payment is back."
    ),
    streams=(
        Stream(
            route="browse",
            rate_rps=BROWSE_RPS,
            deadline_s=PATIENCE_S,
            keys=Keys(low=3, high=200, skew=1.0),
            crosses=("edge-catalog", "catalog-cache"),
        ),
        Stream(
            route="checkout",
            rate_rps=CHECKOUT_RPS,
            deadline_s=PATIENCE_S,
            keys=Keys(low=3, high=200),
            crosses=("edge-checkout", "checkout-primary", "checkout-payment", "payment-primary"),
        ),
    ),
    services={"edge": {"RULEZERO_SLOTS": str(EDGE_SLOTS), "RULEZERO_SERVICE_S": str(EDGE_SERVICE_S)}},
    faults=(payment_hangs.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=7, fault_s=FAULT_S, hold_s=HOLD_AFTER_S),
    arms=(
        Arm(name="none"),
        Arm(name="naive", preset="naive"),
        Arm(name="timeout", defences=("timeout",), numbers=NUMBERS),
        # A breaker sees nothing while calls hang: it needs a timeout to learn that they failed.
        Arm(name="circuit_breaker", defences=("timeout", "circuit_breaker"), numbers=NUMBERS),
        Arm(name="bulkhead", defences=("bulkhead",), numbers=NUMBERS),
        Arm(name="deadline", defences=("deadline",), numbers=NUMBERS),
        Arm(name="all", preset="all", numbers=NUMBERS),
    ),
    demo_arms=("none", "circuit_breaker"),
    checks=(
        control_fails("none", phase="fault", at_most=0.5),
        loses_goodput("naive", phase="fault", route="browse", at_most=0.9),
        *(keeps_goodput(arm, phase="fault", route="browse", at_least=0.9) for arm in BOUNDED),
        *(keeps_goodput(arm, phase="hold", at_least=0.9) for arm in BOUNDED if arm != "all"),
        # Two throttles in line, the edge's and checkout's, go on refusing checkouts when payment is back: the price of
        # having everything on. It must end.
        figure_within("all", "seconds from the end of the fault to recovery", _recovery_s, at_most=HOLD_AFTER_S - 2),
    ),
    predictions=(
        Prediction(
            arm="none",
            name="seconds from the end of the fault to recovery",
            formula="(stall x rate - patience x capacity) / (capacity - rate)",
            predicted=_predicted_recovery_s,
            measured=_recovery_s,
        ),
        Prediction(
            arm="naive",
            name="attempts at payment for each attempt at checkout during the fault",
            formula="attempts ^ layers below the edge",
            predicted=lambda _: layered_attempts(3, 1),
            measured=_attempts_per_order,
        ),
    ),
)
