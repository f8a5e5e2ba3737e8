"""Cold cache: the edge's cache is lost, and the service behind it can serve a fifth of what is asked.

Requests wait in line behind the catalog until their callers give up; the catalog goes on working for them, and what it
makes never gets into the cache, because nobody waits for it any more. How the cache is filled, and what is done with
the line, decides whether the system comes back (Bronson et al., HotOS 2021, section 2.2).
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import refill_s
from rulezero.checks import control_fails, keeps_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Prewarm, Stream
from toxics import cache_is_flushed

CATALOG_PROCESSES = 2
SLOTS = 2
SERVICE_S = 0.1
RATE_RPS = 200.0
TTL_S = 16.0  # Renewals take 0.4 of what the catalog can serve; at 8 s it is 0.7, and chance alone tips it over.
PATIENCE_S = 1.0
TIMEOUT_S = 0.8
FAULT_S = 2.0
RECOVERED = 0.9
ITEMS = Keys(low=1, high=300, skew=1.0)


def _numbers(timeout_s: float) -> Mapping[str, Mapping[str, Any]]:
    """Only the edge gives up on the catalog; the other timeouts of the shop stay out of it."""
    return {"timeout": {"timeout_s": 30.0, "dependency": {"catalog": {"timeout_s": timeout_s}}}}


GIVING_UP = _numbers(TIMEOUT_S)
WAITING = _numbers(20.0)
QUEUE_MAX = 8  # in each process: under half a second
SHORT_QUEUE = {**GIVING_UP, "bounded_queue": {"queue_max": QUEUE_MAX}}


def _back_s(figures: Figures) -> float | None:
    recovery_s: float | None = figures["recovery_s"]
    return None if recovery_s is None else FAULT_S + recovery_s


def _refilled(arm: str, line_s: float) -> Prediction:
    """Predict from what the line does: what is loaded now was missed when its request joined the line, `line_s` ago."""

    def predicted(figures: Figures) -> float | None:
        capacity_rps = figures["capacity_rps"].get("catalog")
        if not capacity_rps:
            return None
        return line_s + refill_s(ITEMS.high, ITEMS.skew, RATE_RPS, capacity_rps, RECOVERED)

    return Prediction(
        arm=arm,
        name="seconds from the flush to recovery",
        formula="time in line + loads until hits and capacity make 90 % of the requests / capacity",
        predicted=predicted,
        measured=_back_s,
        band=0.35,  # Told to a quarter of a second, and not before the fault phase ends.
    )


RECOVERING = ("coalescing", "short_queue", "deadline")

EXPERIMENT = Experiment(
    name="cold_cache",
    question="The cache is flushed under five times the load that the service behind it can serve: does it come back?",
    prediction=(
        "When a load is given up with its caller the service works for nothing, and what little was refilled expires: "
        "the system does not come back. Waiting on, so that loads outlive their callers, brings it half way: the line "
        "is full of loads of the same few items. When loads are shared, or their line is short, or what is too late is "
        "dropped, the cache is refilled as fast as the service serves, within seconds."
    ),
    streams=(Stream(route="offers", rate_rps=RATE_RPS, deadline_s=PATIENCE_S, keys=ITEMS, crosses=("edge-cache",)),),
    prewarm=Prewarm(path="/offers/{key}", keys=ITEMS),
    services={
        "edge": {"RULEZERO_SLOTS": "5000", "RULEZERO_CACHE_TTL_S": str(TTL_S)},
        **{
            f"catalog-{number}": {
                "RULEZERO_SLOTS": str(SLOTS),
                "RULEZERO_SERVICE_S": str(SERVICE_S),
                "RULEZERO_SERVICE_CV": "0",
            }
            for number in range(1, CATALOG_PROCESSES + 1)
        },
    },
    faults=(cache_is_flushed.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=8, fault_s=FAULT_S, hold_s=24),
    base=("timeout", "ttl_jitter"),  # Jitter, so that what is filled together does not expire together.
    arms=(
        Arm(name="giving_up", numbers=GIVING_UP),
        Arm(name="waiting", numbers=WAITING),
        Arm(name="coalescing", defences=("coalescing",), numbers=WAITING),
        Arm(name="short_queue", defences=("bounded_queue",), numbers=SHORT_QUEUE),
        Arm(name="deadline", defences=("deadline",), numbers=GIVING_UP),
    ),
    demo_arms=("giving_up", "short_queue"),
    checks=(
        control_fails("giving_up", phase="hold", at_most=0.5),
        keeps_goodput("waiting", phase="hold", at_least=0.3),
        *(keeps_goodput(arm, phase="hold", at_least=0.9) for arm in RECOVERING),
    ),
    predictions=(
        _refilled("short_queue", QUEUE_MAX * SERVICE_S / SLOTS),
        _refilled("deadline", TIMEOUT_S - SERVICE_S),
    ),
)
