"""Cascading failure: payment hangs, and browsing, which has nothing to do with payment, may die of it.

Every request of a user holds one of the edge's slots until it is answered. Checkouts that wait for a payment that
never comes take one slot after another, and when the last is gone the healthy route is dead too.
"""

from rulezero.analysis.predict import layered_attempts, pool_exhaustion_s
from rulezero.checks import control_fails, keeps_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import payment_hangs

BROWSE_RPS = 100.0
CHECKOUT_RPS = 20.0
EDGE_SLOTS = 36
EDGE_SERVICE_S = 0.12
FAULT_S = 10.0


def _attempts_in_fault(figures: Figures) -> float | None:
    attempts: float | None = figures["attempts_per_request"]["checkout-payment"]["fault"]
    return attempts


EXPERIMENT = Experiment(
    name="cascading_failure",
    question="When payment hangs, does browsing survive, and what is left when payment is back?",
    prediction=(
        f"Without a defence the edge's {EDGE_SLOTS} slots are gone "
        f"{pool_exhaustion_s(EDGE_SLOTS, CHECKOUT_RPS):.1f} s after the fault (slots / hanging requests a second), "
        "then every route fails; any bound on waiting keeps browsing alive."
    ),
    streams=(
        Stream(
            route="browse",
            rate_rps=BROWSE_RPS,
            keys=Keys(low=3, high=200, skew=1.0),
            crosses=("edge-catalog",),
        ),
        Stream(
            route="checkout",
            rate_rps=CHECKOUT_RPS,
            keys=Keys(low=3, high=200),
            crosses=("edge-checkout", "checkout-payment"),
        ),
    ),
    services={"edge": {"RULEZERO_SLOTS": str(EDGE_SLOTS), "RULEZERO_SERVICE_S": str(EDGE_SERVICE_S)}},
    faults=(payment_hangs.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=7, fault_s=FAULT_S, hold_s=14),
    arms=(
        Arm(name="none"),
        Arm(name="naive", preset="naive"),
        Arm(name="timeout", defences=("timeout",)),
        # A breaker sees nothing while calls hang: it needs a timeout to learn that they failed.
        Arm(name="circuit_breaker", defences=("timeout", "circuit_breaker")),
        Arm(name="bulkhead", defences=("bulkhead",)),
        Arm(name="deadline", defences=("deadline",)),
        Arm(name="all", preset="all"),
    ),
    demo_arms=("none", "circuit_breaker"),
    checks=(
        control_fails("none", phase="fault", at_most=0.5),
        keeps_goodput("timeout", phase="hold", at_least=0.9),
        keeps_goodput("circuit_breaker", phase="hold", at_least=0.9),
        keeps_goodput("bulkhead", phase="hold", at_least=0.9),
        keeps_goodput("deadline", phase="hold", at_least=0.9),
        keeps_goodput("all", phase="hold", at_least=0.9),
    ),
    predictions=(
        Prediction(
            arm="naive",
            name="attempts per checkout at payment during the fault",
            formula="attempts ^ layers",
            predicted=lambda _: layered_attempts(3, 2),
            measured=_attempts_in_fault,
        ),
    ),
)
