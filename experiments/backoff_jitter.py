"""Backoff and jitter: two dozen buyers want the last pieces of one item at the same moment.

Each reads the row of the stock, takes a while, and may write only if nobody else has: one wins, the others come back.
When all of them wait for the same time they meet again, one wins, and so on: backing off further only makes them meet
later. What takes them apart is chance: that of the delay, or that of the way where it varies by as much as the work
takes, which it does not here. The attempts themselves are what makes attempts fail: fewer at a time are fewer in all.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

from rulezero.analysis.contention import Contention, contended
from rulezero.analysis.predict import rounds_attempts, rounds_s
from rulezero.checks import figure_within
from rulezero.defences.retry import RetryConfig
from rulezero.experiment import Arm, Burst, Durations, Experiment, Figures, Keys, Prediction, Stream, Yardstick
from toxics import stock_is_contended

WRITERS = 24
HOT = 1
BASE_S, CAP_S = 0.1, 1.0
STEADY_S, GROWING_S = (BASE_S,), (BASE_S, 2 * BASE_S, 4 * BASE_S, 8 * BASE_S, CAP_S)
ATTEMPTS_MAX = 100  # Nobody gives up.
WAY_S = 0.02  # To the row and back, for each attempt.
ATTEMPT_S = stock_is_contended.WORK_S + WAY_S
LINK = "checkout-inventory"
FAULT_S, BURST_AT_S = 30.0, 1.0
HURRYING_S = rounds_s(WRITERS, ATTEMPT_S, STEADY_S)
PATIENCE_S = 34.0  # Longer than any arm is meant to take.

Jitter = Literal["none", "full", "decorrelated"]


def _retries(jitter: Jitter, *, multiplier: float = 2.0) -> dict[str, Any]:
    return {"attempts_max": ATTEMPTS_MAX, "base_s": BASE_S, "cap_s": CAP_S, "multiplier": multiplier, "jitter": jitter}


CONSTANT, EXPONENTIAL = _retries("none", multiplier=1.0), _retries("none")
FULL, DECORRELATED = _retries("full"), _retries("decorrelated")


def _numbers(retries: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    # A reservation that failed has reserved nothing, which the caller of a service cannot know: it has to be told.
    return {"retry": {**retries, "callers": ["checkout"], "non_idempotent": True}}


def _attempts(figures: Figures) -> float | None:
    """Return the attempts of each of the crowd: what was sent to the stock, less one for each other order."""
    per_request, crowd = figures["attempts_per_request"][LINK]["fault"], figures["crowd"]
    if per_request is None or crowd is None or not crowd["asked"]:
        return None
    others = figures["routes"]["checkout"]["offered_rps"]["fault"] * figures["lengths_s"]["fault"]
    return float((per_request * (others + crowd["asked"]) - others) / crowd["asked"])


def _last_s(figures: Figures) -> float | None:
    crowd = figures["crowd"]
    last_s: float | None = crowd["last_s"] if crowd and crowd["good"] == WRITERS else None
    return last_s


def _pair(
    arm: str, formula: tuple[str, str], found: Callable[[], Contention], *, band: float
) -> tuple[Prediction, Prediction]:
    return (
        Prediction(
            arm=arm,
            name="attempts per buyer",
            formula=formula[0],
            predicted=lambda _: found().attempts,
            measured=_attempts,
            band=band,
        ),
        Prediction(
            arm=arm,
            name="seconds until the last one has bought",
            formula=formula[1],
            predicted=lambda _: found().last_s,
            measured=_last_s,
            band=band,
        ),
    )


def _together(arm: str, delays_s: tuple[float, ...]) -> tuple[Prediction, Prediction]:
    found = Contention(attempts=rounds_attempts(WRITERS), last_s=rounds_s(WRITERS, ATTEMPT_S, delays_s))
    return _pair(
        arm, ("(buyers + 1) / 2", "buyers x attempt + delays"), lambda: found, band=0.15
    )  # Whom a busy moment knocks out of step stays so.


def _apart(arm: str, retries: Mapping[str, Any]) -> tuple[Prediction, Prediction]:
    @cache  # Played out when it is asked for: whoever lists experiments need not wait for it.
    def found() -> Contention:
        return contended(WRITERS, RetryConfig(**retries), work_s=stock_is_contended.WORK_S, way_s=WAY_S)

    return _pair(arm, ("simulated", "simulated"), found, band=0.35)


EXPERIMENT = Experiment(
    name="backoff_jitter",
    question="A crowd contends for one row and whoever loses comes back: what do backoff and jitter buy?",
    prediction=(
        f"In step one buyer wins each time, so {WRITERS} of them need (n + 1) / 2 = {rounds_attempts(WRITERS):g} "
        "attempts each, with or without a delay that grows, which only makes it take "
        f"{rounds_s(WRITERS, ATTEMPT_S, GROWING_S) / rounds_s(WRITERS, ATTEMPT_S, STEADY_S):.1f} times as long. Jitter "
        "halves the attempts, and takes no longer than hurrying."
    ),
    streams=(
        Stream(
            route="checkout",
            rate_rps=2.0,
            deadline_s=PATIENCE_S,
            keys=Keys(low=3, high=100),
            crosses=(LINK,),
        ),
    ),
    bursts=(Burst(route="checkout", at_s=BURST_AT_S, count=WRITERS, key=HOT, deadline_s=PATIENCE_S),),
    services={
        "edge": {"RULEZERO_SLOTS": "500"},
        "inventory": {"RULEZERO_POOL_SIZE": str(2 * WRITERS)},  # Nobody waits for a connection.
    },
    faults=(stock_is_contended.FAULT,),
    durations=Durations(warmup_s=2, baseline_s=5, fault_s=FAULT_S, hold_s=6),
    base=("retry",),
    yardstick=Yardstick(name="seconds until the last one has bought", figure=_last_s, chart="attempts"),
    arms=(
        Arm(name="constant", numbers=_numbers(CONSTANT)),
        Arm(name="exponential", numbers=_numbers(EXPONENTIAL)),
        Arm(name="full_jitter", numbers=_numbers(FULL)),
        Arm(name="decorrelated", numbers=_numbers(DECORRELATED)),
    ),
    demo_arms=("constant", "exponential", "full_jitter"),
    checks=(
        figure_within("constant", "attempts per buyer", _attempts, at_least=8.5, control=True),
        figure_within("exponential", "attempts per buyer", _attempts, at_least=8.5),
        figure_within("exponential", "seconds until the last one has bought", _last_s, at_least=15),
        *(figure_within(arm, "attempts per buyer", _attempts, at_most=8.5) for arm in ("full_jitter", "decorrelated")),
        *(
            figure_within(arm, "seconds until the last one has bought", _last_s, at_most=1.1 * HURRYING_S)
            for arm in ("full_jitter", "decorrelated")
        ),
    ),
    predictions=(
        *_together("constant", STEADY_S),
        *_together("exponential", GROWING_S),
        *_apart("full_jitter", FULL),
        *_apart("decorrelated", DECORRELATED),
    ),
)
