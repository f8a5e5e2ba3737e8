"""Thundering herd: a hot key expires under load, and a crowd asks for a key that nobody has loaded yet.

Each miss loads the item from the replica, and each load holds one of the pool's connections. Search needs the same
pool and is never cached: what the herd does to it is what it does to everyone.
"""

from collections.abc import Mapping

from rulezero.analysis.predict import herd
from rulezero.checks import control_fails, keeps_goodput
from rulezero.experiment import Arm, Burst, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import hot_key_expires

HOT_RPS = 80.0
SEARCH_RPS = 60.0
HOT_LOAD_S = 0.3
HOT, COLD = 1, 2
CROWD = 1000
CATALOG_PROCESSES = 2


def _per_expiry(figures: Figures) -> float | None:
    return _loads(figures, "per_expiry")


def _burst(figures: Figures) -> float | None:
    return _loads(figures, "burst")


def _wanted(figures: Figures) -> float | None:
    return _loads(figures, "burst_wanted")


def _loads(figures: Figures, key: str) -> float | None:
    counted: Mapping[str, float | None] = figures["origin_loads"] or {}  # None when the arm did not end.
    return counted.get(key)


EXPERIMENT = Experiment(
    name="thundering_herd",
    question="What does one expired key cost the database, and what does a crowd at a cold key do to everyone else?",
    prediction=(
        f"Without a defence an expiry costs 1 + rate x load time = {herd(HOT_RPS, HOT_LOAD_S):.0f} loads and the crowd "
        f"one load each; with coalescing both cost one load for each of the {CATALOG_PROCESSES} catalog processes."
    ),
    streams=(
        Stream(
            route="browse",
            rate_rps=HOT_RPS,
            keys=Keys(low=HOT, high=HOT),
            crosses=("edge-catalog", "catalog-cache", "catalog-replica"),
        ),
        Stream(
            route="search",
            rate_rps=SEARCH_RPS,
            keys=Keys(low=1, high=9),
            crosses=("edge-catalog",),
        ),
    ),
    bursts=(Burst(route="browse", at_s=6.0, count=CROWD, key=COLD, deadline_s=6.0),),
    services={"edge": {"RULEZERO_SLOTS": "1500"}},
    faults=(hot_key_expires.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=5, fault_s=8, hold_s=12),
    arms=(Arm(name="none"), Arm(name="coalescing", defences=("coalescing",))),
    demo_arms=("none", "coalescing"),
    checks=(
        control_fails("none", phase="hold", at_most=0.8),
        keeps_goodput("coalescing", phase="hold", at_least=0.9),
    ),
    predictions=(
        Prediction(
            arm="none",
            name="loads per expiry",
            formula="1 + rate x load time",
            predicted=lambda _: herd(HOT_RPS, HOT_LOAD_S),
            measured=_per_expiry,
        ),
        Prediction(
            arm="none",
            name="loads that the crowd wants",
            formula="one for each request",
            predicted=lambda _: float(CROWD),
            measured=_wanted,
        ),
        Prediction(
            arm="coalescing",
            name="loads per expiry",
            formula="one for each catalog process",
            predicted=lambda _: float(CATALOG_PROCESSES),
            measured=_per_expiry,
        ),
        Prediction(
            arm="coalescing",
            name="loads for the crowd",
            formula="one for each catalog process",
            predicted=lambda _: float(CATALOG_PROCESSES),
            measured=_burst,
        ),
    ),
)
