"""Cold cache: the cache is lost, and the system that it carried cannot fill it again.

The database serves a fifth of the load. Loads wait in line for as long as their callers do, and then the caller leaves
and the load is dropped: all of the database's time goes into loads that never reach the cache. How a cache is filled
decides whether the system comes back (Bronson et al., HotOS 2021, section 2.2).
"""

from collections.abc import Mapping
from typing import Any

from rulezero.checks import control_fails, keeps_goodput
from rulezero.experiment import Arm, Durations, Experiment, Keys, Stream
from toxics import cache_is_flushed

CATALOG_PROCESSES = 2
POOL = 2
LOAD_S = 0.1  # of the items from 1001 on
DATABASE_RPS = CATALOG_PROCESSES * POOL / LOAD_S
RATE_RPS = 200.0
TTL_S = 10.0
ITEMS = Keys(low=1001, high=1160, skew=1.0)

NUMBERS: Mapping[str, Mapping[str, Any]] = {
    # As many as run and a few that wait for them: a line of a tenth of a second.
    "bulkhead": {"permits": 2000, "dependency": {"replica": {"permits": POOL, "queue_max": 2, "wait_s": 0.5}}},
}


EXPERIMENT = Experiment(
    name="cold_cache",
    question="The cache is flushed under a load five times what the database can serve: does the system come back?",
    prediction=(
        "When a load is given up with its caller, the database works for nothing and goodput stays down. When loads "
        "outlive their callers, or are shared, or their line is short, the cache is warm again within seconds."
    ),
    streams=(
        Stream(
            route="browse",
            rate_rps=RATE_RPS,
            deadline_s=1.0,
            keys=ITEMS,
            crosses=("edge-catalog", "catalog-cache"),
        ),
    ),
    prewarm=ITEMS,
    services={
        "edge": {"RULEZERO_SLOTS": "2000"},
        **{
            f"catalog-{number}": {"RULEZERO_POOL_SIZE": str(POOL), "RULEZERO_CACHE_TTL_S": str(TTL_S)}
            for number in range(1, CATALOG_PROCESSES + 1)
        },
    },
    faults=(cache_is_flushed.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=6, fault_s=4, hold_s=20),
    base=("deadline",),
    arms=(
        Arm(name="filled_by_callers"),
        Arm(name="filled_regardless", preset="none"),
        Arm(name="coalescing", defences=("coalescing",)),
        Arm(name="short_line", defences=("bulkhead",), numbers=NUMBERS),
        Arm(name="lease", defences=("coalescing", "lease")),
    ),
    demo_arms=("filled_by_callers", "coalescing"),
    checks=(
        control_fails("filled_by_callers", phase="hold", at_most=0.7),
        *(keeps_goodput(arm, phase="hold", at_least=0.9) for arm in ("coalescing", "short_line")),
    ),
)
