"""Thundering herd: a hot key expires under load, and a crowd asks for a key that nobody has loaded yet.

Each miss loads the item from the replica, and each load holds one of the pool's connections. Search needs the same
pool and is never cached: what the herd does to it is what it does to everyone.
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import early_refreshes, herd
from rulezero.checks import control_fails, figure_within, keeps_goodput, loses_goodput
from rulezero.experiment import Arm, Burst, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import hot_key_expires

HOT_RPS = 80.0
SEARCH_RPS = 60.0
HOT_LOAD_S = 0.3
HOT, COLD = 1, 2
CROWD = 1000
CATALOG_PROCESSES = 2
POOL = 16
COLD_LOAD_S = 2.0
# The crowd comes when the loads of the last expiry are over and have been scraped.
BURST_AT_S, FAULT_S, HOLD_S = 7.0, 9.0, 11.2

# With everything on, what is made for short calls must not cut the crowd short: its load takes two seconds.
NUMBERS: Mapping[str, Mapping[str, Any]] = {
    "timeout": {"timeout_s": 6.0},
    "bulkhead": {"permits": 2 * CROWD},
    "bounded_queue": {"queue_max": 2 * CROWD},
}
EXPIRY_IS_NOT_ENOUGH = ("ttl_jitter", "early_expiration", "stale_while_revalidate")


def _per_expiry(figures: Figures) -> float | None:
    cache = figures["caches"].get("items")
    return cache["loads_per_renewal"] if cache else None


def _blocked(figures: Figures) -> float | None:
    cache = figures["caches"].get("items")
    return cache["blocked_reads"] if cache else None


def _burst(figures: Figures) -> float | None:
    return _loads(figures, "burst")


def _loads(figures: Figures, key: str) -> float | None:
    counted: Mapping[str, float | None] = figures["origin_loads"] or {}  # None when the arm did not end.
    return counted.get(key)


def _predicted(arm: str, formula: str, loads: float, *, band: float = 0.25) -> Prediction:
    return Prediction(
        arm=arm,
        name="loads per expiry",
        formula=formula,
        predicted=lambda _: loads,
        measured=_per_expiry,
        band=band,
    )


def _crowd(arm: str, formula: str, loads: float) -> Prediction:
    name = "loads for the crowd"
    return Prediction(arm=arm, name=name, formula=formula, predicted=lambda _: loads, measured=_burst)


EXPERIMENT = Experiment(
    name="thundering_herd",
    question="What does one expired key cost the database, and what does a crowd at a cold key do to everyone else?",
    prediction=(
        f"Without a defence an expiry costs 1 + rate x load time = {herd(HOT_RPS, HOT_LOAD_S):.0f} loads and the crowd "
        f"one load each; coalescing makes it one for each of the {CATALOG_PROCESSES} catalog processes, a lease one in "
        "all. Early expiration and stale-while-revalidate help with the expiry and not with the crowd; jitter, with "
        "one key, helps with neither."
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
    bursts=(Burst(route="browse", at_s=BURST_AT_S, count=CROWD, key=COLD, deadline_s=6.0),),
    services={"edge": {"RULEZERO_SLOTS": "1500"}},
    faults=(hot_key_expires.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=5, fault_s=FAULT_S, hold_s=HOLD_S),
    arms=(
        Arm(name="none"),
        Arm(name="ttl_jitter", defences=("ttl_jitter",)),
        Arm(name="coalescing", defences=("coalescing",)),
        # Within a process coalescing, across processes the lease: else each of the crowd would ask for the lease.
        Arm(name="lease", defences=("coalescing", "lease")),
        Arm(name="early_expiration", defences=("early_expiration",)),
        Arm(name="stale_while_revalidate", defences=("stale_while_revalidate",)),
        Arm(name="all", preset="all", numbers=NUMBERS),
    ),
    demo_arms=("none", "coalescing"),
    checks=(
        control_fails("none", phase="hold", at_most=0.8),
        *(keeps_goodput(arm, phase="hold", at_least=0.9) for arm in ("coalescing", "lease", "all")),
        *(loses_goodput(arm, phase="hold", at_most=0.8) for arm in EXPIRY_IS_NOT_ENOUGH),
        *(
            figure_within(arm, "reads that waited for a load, before the crowd", _blocked, at_most=0)
            for arm in ("stale_while_revalidate", "all")
        ),
    ),
    predictions=(
        _predicted("none", "1 + rate x load time", herd(HOT_RPS, HOT_LOAD_S)),
        Prediction(
            arm="none",
            name="loads for the crowd that reach the database by the end",
            formula="connections x time left / load time",
            predicted=lambda _: CATALOG_PROCESSES * POOL * (FAULT_S - BURST_AT_S + HOLD_S) / COLD_LOAD_S,
            measured=_burst,
        ),
        _predicted("ttl_jitter", "1 + rate x load time", herd(HOT_RPS, HOT_LOAD_S)),
        _predicted("coalescing", "one for each catalog process", float(CATALOG_PROCESSES)),
        _crowd("coalescing", "one for each catalog process", float(CATALOG_PROCESSES)),
        _predicted("lease", "one in all", 1.0),
        _crowd("lease", "one in all", 1.0),
        # Three expiries are few for a mean of chance; early_expiration looks at it closely.
        _predicted("early_expiration", "e ^ (1 / beta)", early_refreshes(1.0), band=0.75),
        _predicted("stale_while_revalidate", "one for each catalog process", float(CATALOG_PROCESSES)),
        _predicted("all", "one in all", 1.0),
        _crowd("all", "one in all", 1.0),
    ),
)
