"""Open against closed loop: the same stall of the same system, measured by two load generators at once.

The stream sends when it is due, whatever happens, and counts from then. The user waits for his answer, thinks, and asks
again: while the system stands still he asks for nothing, and what he did not ask for he does not report (coordinated
omission, Gil Tene). Nothing is defended here. This is about whom to believe, and why all else here is an open loop.
"""

from rulezero.analysis.predict import stalled_percentile_s
from rulezero.checks import figure_within, keeps_goodput
from rulezero.experiment import Arm, ClosedUser, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import replica_stalls

STALL_S = 5.0
DURATIONS = Durations(warmup_s=2, baseline_s=8, fault_s=STALL_S, hold_s=27)
MEASURED_S = DURATIONS.total_s - DURATIONS.warmup_s
PATIENCE_S = 3 * STALL_S  # Everybody is answered, however late: a percentile of answers leaves out who is not.
KEYS = Keys(low=1, high=9)
OPEN, CLOSED = "p99 as an open loop measures it, s", "p99 as a user who waits measures it, s"


def _open_p99_s(figures: Figures) -> float | None:
    return _p99_s(figures, "open", "measured")


def _closed_p99_s(figures: Figures) -> float | None:
    return _p99_s(figures, "closed", "measured")


def _calm_p99_s(figures: Figures) -> float | None:
    return _p99_s(figures, "open", "baseline")


def _p99_s(figures: Figures, loop: str, part: str) -> float | None:
    answered = figures["answered_ms"][loop]
    if answered is None or answered[part]["p99"] is None:
        return None
    return float(answered[part]["p99"]) / 1000


EXPERIMENT = Experiment(
    name="open_vs_closed_loop",
    question=f"A system stands still for {STALL_S:g} s: what p99 does an open loop report, and what a closed one?",
    prediction=(
        f"Over {MEASURED_S:g} s an open loop reports stall - 1 % x length = "
        f"{stalled_percentile_s(0.99, STALL_S, MEASURED_S):.2g} s. A user who waits for his answers asks once in the "
        "stall, one slow answer among hundreds, and reports the p99 of a calm day: milliseconds."
    ),
    streams=(
        Stream(
            route="search",
            rate_rps=40.0,
            deadline_s=PATIENCE_S,
            keys=KEYS,
            crosses=("edge-catalog",),
        ),
    ),
    closed=(ClosedUser(route="search", think_s=0.05, deadline_s=PATIENCE_S, keys=KEYS),),
    services={"edge": {"RULEZERO_SLOTS": "1000"}},
    faults=(replica_stalls.FAULT,),
    durations=DURATIONS,
    arms=(Arm(name="none"),),
    demo_arms=("none",),
    checks=(
        figure_within("none", OPEN, _open_p99_s, at_least=0.8 * STALL_S, control=True),
        figure_within("none", CLOSED, _closed_p99_s, at_most=0.02 * STALL_S),
        keeps_goodput("none", phase="fault", at_least=0.99),
    ),
    predictions=(
        Prediction(
            arm="none",
            name=OPEN,
            formula="stall - 1 % x length",
            predicted=lambda _: stalled_percentile_s(0.99, STALL_S, MEASURED_S),
            measured=_open_p99_s,
            band=0.05,
        ),
        Prediction(
            arm="none",
            name=CLOSED,
            formula="p99 of the open loop before the stall",
            predicted=_calm_p99_s,
            measured=_closed_p99_s,
            band=0.9,  # One of the slowest of some hundred answers; a second more would be fifty times as much.
        ),
    ),
)
