"""Tail latency: two searches in a hundred take a second longer, and nobody can tell which.

A second copy of a request that is late is most likely a fast one. When to send it decides everything: a delay beyond
which more are slow than are hedged lies inside the slow mode, and buys nothing (Dean and Barroso, "The Tail at Scale").
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import hedged_percentile_s
from rulezero.checks import figure_within, keeps_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream, Yardstick
from toxics import slow_statements

RATE_RPS = 80.0
EXTRA_LOAD = 0.05
DURATIONS = Durations(warmup_s=4, baseline_s=8, fault_s=24, hold_s=6)
# The budget is that of the last half minute: what was left over before the fault may be spent in it.
SPENT_MAX = EXTRA_LOAD * (DURATIONS.total_s - DURATIONS.hold_s) / DURATIONS.fault_s


HEDGED: Mapping[str, Mapping[str, Any]] = {"hedging": {"extra_load_max": EXTRA_LOAD}}
# The same budget, but a delay that only the slow answers reach: the copy comes back after they do.
TOO_LATE: Mapping[str, Mapping[str, Any]] = {
    "hedging": {"extra_load_max": EXTRA_LOAD, "delay_s": slow_statements.SLOW_S}
}


def _p99_s(figures: Figures) -> float | None:
    p99_ms: float | None = figures["latency_ms"]["fault"]["p99"]
    return None if p99_ms is None else p99_ms / 1000


def _slow_p99_s(figures: Figures) -> float | None:
    median_ms: float | None = figures["latency_ms"]["fault"]["p50"]
    return None if median_ms is None else slow_statements.SLOW_S + median_ms / 1000


def _hedged_p99_s(figures: Figures) -> float | None:
    p95_ms, median_ms = (figures["latency_ms"]["baseline"][name] for name in ("p95", "p50"))
    return None if p95_ms is None else hedged_percentile_s(p95_ms / 1000, median_ms / 1000)


def _extra_load(figures: Figures) -> float | None:
    attempts: float | None = figures["attempts_per_request"]["edge-catalog"]["fault"]
    return None if attempts is None else attempts - 1


EXPERIMENT = Experiment(
    name="tail_latency",
    question="When one search in fifty takes a second longer, what does a second copy of the late ones buy, and cost?",
    prediction=(
        "Hedging at the 95th percentile brings p99 from over a second to that percentile and a typical answer, for 5 % "
        "more load. The same budget with a delay that lies inside the slow mode buys nothing."
    ),
    streams=(
        Stream(
            route="search",
            rate_rps=RATE_RPS,
            deadline_s=3.0,
            keys=Keys(low=1, high=9),
            crosses=("edge-catalog",),
        ),
    ),
    services={"edge": {"RULEZERO_SLOTS": "500"}},
    faults=(slow_statements.FAULT,),
    durations=DURATIONS,
    yardstick=Yardstick(name="p99 in the fault, s", figure=_p99_s, chart="latency"),
    arms=(
        Arm(name="none"),
        Arm(name="hedging", defences=("hedging",), numbers=HEDGED),
        Arm(name="hedging_too_late", defences=("hedging",), numbers=TOO_LATE),
    ),
    demo_arms=("none", "hedging"),
    checks=(
        figure_within("none", "p99 in the fault, s", _p99_s, at_least=0.8, control=True),
        figure_within("hedging", "p99 in the fault, s", _p99_s, at_most=0.25),
        figure_within("hedging", "extra load", _extra_load, at_most=SPENT_MAX),
        *(keeps_goodput(arm, phase="fault", at_least=0.99) for arm in ("hedging", "hedging_too_late")),
        figure_within("hedging_too_late", "p99 in the fault, s", _p99_s, at_least=0.8),
    ),
    predictions=(
        Prediction(
            arm="none",
            name="p99 in the fault, s",
            formula="slow by + median",
            predicted=_slow_p99_s,
            measured=_p99_s,
        ),
        Prediction(
            arm="hedging",
            name="p99 in the fault, s",
            formula="p95 + median",
            predicted=_hedged_p99_s,
            measured=_p99_s,
            band=0.5,
        ),
        Prediction(
            arm="hedging",
            name="extra load",
            formula="1 - percentile of the delay",
            predicted=lambda _: EXTRA_LOAD,
            measured=_extra_load,
            band=0.3,
        ),
        Prediction(
            arm="hedging_too_late",
            name="p99 in the fault, s",
            formula="slow by + median",
            predicted=_slow_p99_s,
            measured=_p99_s,
        ),
    ),
)
