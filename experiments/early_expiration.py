"""Early expiration: renew a popular entry before it expires, and let chance choose who does it.

Each reader rolls a die that favours renewal more the closer the end is (XFetch: Vattani et al., VLDB 2015). How many
renew at the same time depends on the weight of the die alone, not on how popular the entry is.
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import early_refreshes, herd
from rulezero.checks import figure_within
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Prewarm, Stream, Yardstick

ITEMS = Keys(low=1901, high=1908)
LOAD_S = 1.0  # of those
RATE_RPS = 160.0
PER_ITEM_RPS = RATE_RPS / (ITEMS.high - ITEMS.low + 1)
TTL_S = 10.0
# The loads of one expiry vary about as much as their mean: over the sixty of an arm, an eighth is one standard error.
BAND = 0.35
BETAS = {"beta_0_5": 0.5, "beta_1": 1.0, "beta_1_5": 1.5}


def _predicted(arm: str, formula: str, loads: float) -> Prediction:
    return Prediction(
        arm=arm, name="loads per expiry", formula=formula, predicted=lambda _: loads, measured=_loads, band=BAND
    )


def _numbers(beta: float) -> Mapping[str, Mapping[str, Any]]:
    return {"early_expiration": {"beta": beta}}


def _loads(figures: Figures) -> float | None:
    cache = figures["caches"].get("items")
    return cache["loads_per_renewal"] if cache else None


def _origin_loads(figures: Figures) -> float | None:
    cache = figures["caches"].get("items")
    return cache["renewals"] * cache["loads_per_renewal"] if cache and cache["renewals"] else None


def _blocked(figures: Figures) -> float | None:
    cache = figures["caches"].get("items")
    return cache["blocked_reads"] if cache else None


EXPERIMENT = Experiment(
    name="early_expiration",
    question="How many readers renew a popular entry at its end, and does anybody still wait for it?",
    prediction=(
        f"Without a defence {herd(PER_ITEM_RPS, LOAD_S):.0f} at each expiry, all of whom wait; with early expiration "
        "e^(1/beta), however popular the entry: 7.4, 2.7 and 1.9 for beta 0.5, 1 and 1.5, and next to nobody waits."
    ),
    streams=(
        Stream(
            route="browse",
            rate_rps=RATE_RPS,
            deadline_s=3.0,
            keys=ITEMS,
            crosses=("edge-catalog", "catalog-cache"),
        ),
    ),
    prewarm=Prewarm(path="/browse/{key}", keys=ITEMS),
    services={
        "edge": {"RULEZERO_SLOTS": "1000"},
        **{f"catalog-{number}": {"RULEZERO_CACHE_TTL_S": str(TTL_S), "RULEZERO_POOL_SIZE": "24"} for number in (1, 2)},
    },
    faults=(),  # Entries come to their end by themselves: expiry is what is looked at.
    durations=Durations(warmup_s=3, baseline_s=6, fault_s=60, hold_s=6),
    yardstick=Yardstick(name="loads at the origin from the fault on", figure=_origin_loads),
    arms=(
        Arm(name="none"),
        *(Arm(name=name, defences=("early_expiration",), numbers=_numbers(beta)) for name, beta in BETAS.items()),
    ),
    demo_arms=("none", "beta_1"),
    checks=(
        figure_within("none", "loads per expiry", _loads, at_least=15, control=True),
        *(figure_within(name, "loads per expiry", _loads, at_most=10) for name in BETAS),
        figure_within("beta_1", "reads that waited for a load", _blocked, at_most=20),
    ),
    predictions=(
        _predicted("none", "1 + rate x load time", herd(PER_ITEM_RPS, LOAD_S)),
        *(_predicted(name, "e ^ (1 / beta)", early_refreshes(beta)) for name, beta in BETAS.items()),
    ),
)
