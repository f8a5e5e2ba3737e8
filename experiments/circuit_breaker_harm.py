"""Circuit breaker, the harm: one of two shards is dead, and one breaker stands for both.

Without it half of the calls are answered. A breaker that goes by the failures of all shards together sees half of the
calls fail, opens, and keeps the other half from being answered too. It does so when 1 / shards, the part that a dead
shard fails of all calls, is its threshold or more: a breaker that trips at 10 % takes down up to ten shards for one.

A shard is here one of the two processes of the catalog. No key belongs to one of them: the edge asks them in turn, so
that each is asked half of the calls and half of them fail, as if keys were spread evenly. Its breaker is one for the
dependency, whichever process a call goes to.
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import shards_share, tripped_share
from rulezero.checks import control_fails, keeps_goodput, kept, loses_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import catalog_shard_is_down

SHARDS = 2
RATE_RPS = 60.0
FAULT_S = 20.0
WINDOW_S = 2.0
OPEN_S = 2.0
PROBES = 2  # As many as there are shards, so that the dead one is always asked.
SENSITIVE, TOLERANT = 0.4, 0.7
LEFT = shards_share(SHARDS)


def _numbers(failure_rate: float) -> Mapping[str, Mapping[str, Any]]:
    breaker = {
        "failure_rate": failure_rate,
        "window_s": WINDOW_S,
        "volume_min": 20,
        "open_s": OPEN_S,
        "open_max_s": OPEN_S,
        "probes": PROBES,
    }
    return {"circuit_breaker": breaker}


def _answered(figures: Figures) -> float | None:
    return kept(figures, "fault") if figures["offered_rps"]["fault"] else None


def _predicted(arm: str, formula: str, share: float, *, band: float) -> Prediction:
    return Prediction(
        arm=arm,
        name="good share of what was offered in the fault",
        formula=formula,
        predicted=lambda _: share,
        measured=_answered,
        band=band,
    )


EXPERIMENT = Experiment(
    name="circuit_breaker_harm",
    question="One of two shards is dead: what does a circuit breaker do that stands for both?",
    prediction=(
        f"It takes the other one down too if 1 / shards = {1 / SHARDS:g} is its threshold or more: at {SENSITIVE:g} it "
        f"opens after threshold x shards x window = {SENSITIVE * SHARDS * WINDOW_S:.2g} s, and from then on next to "
        f"nothing is answered. At {TOLERANT:g} it stays closed, and {LEFT:.0%} is answered, as without it."
    ),
    streams=(
        Stream(
            route="search",
            rate_rps=RATE_RPS,
            keys=Keys(low=1, high=9),
            crosses=("edge-catalog",),
        ),
    ),
    services={"edge": {"RULEZERO_SLOTS": "500"}},
    faults=(catalog_shard_is_down.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=7, fault_s=FAULT_S, hold_s=12),
    arms=(
        Arm(name="none"),
        Arm(name="breaker_over_shards", defences=("circuit_breaker",), numbers=_numbers(SENSITIVE)),
        Arm(name="breaker_tolerant", defences=("circuit_breaker",), numbers=_numbers(TOLERANT)),
    ),
    demo_arms=("none", "breaker_over_shards"),
    checks=(
        control_fails("none", phase="fault", at_most=LEFT + 0.05),
        keeps_goodput("none", phase="fault", at_least=LEFT - 0.05),
        loses_goodput("breaker_over_shards", phase="fault", at_most=0.1),
        keeps_goodput("breaker_over_shards", phase="hold", at_least=0.6),
        keeps_goodput("breaker_tolerant", phase="fault", at_least=LEFT - 0.05),
    ),
    predictions=(
        _predicted("none", "1 - 1 / shards", LEFT, band=0.05),
        _predicted(
            "breaker_over_shards",
            "the same until it trips, then probes / (rate x open + probes) of that",
            tripped_share(
                SHARDS,
                RATE_RPS,
                failure_rate=SENSITIVE,
                window_s=WINDOW_S,
                open_s=OPEN_S,
                probes=PROBES,
                fault_s=FAULT_S,
            ),
            band=0.3,
        ),
        _predicted("breaker_tolerant", "1 - 1 / shards", LEFT, band=0.05),
    ),
)
