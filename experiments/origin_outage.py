"""Origin outage: both databases are gone for a while, and the cache still knows what everybody wants to know.

An answer that is a little old is better than none, for most questions, as long as somebody says how old it may be
(RFC 5861, stale-if-error and stale-while-revalidate).
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import fresh_share
from rulezero.checks import control_fails, figure_within, keeps_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream
from toxics import origin_is_down

TTL_S = 4.0
OUTAGE_S = 12.0
STALE_S = 60.0
JITTER = 0.5  # Entries that were filled together must not expire together: their ages would not be even.
RATE_RPS = 80.0
ITEMS = Keys(low=101, high=180)  # So many that their ages when the outage begins come near the mean.
READ_RPS = RATE_RPS / (ITEMS.high - ITEMS.low + 1)  # of each entry

NUMBERS: Mapping[str, Mapping[str, Any]] = {
    "ttl_jitter": {"jitter": JITTER},
    "stale_if_error": {"stale_s": STALE_S},
    "stale_while_revalidate": {"stale_s": STALE_S},
}


def _good_share(figures: Figures) -> float | None:
    offered_rps: float = figures["offered_rps"]["fault"]
    return figures["goodput_rps"]["fault"] / offered_rps if offered_rps else None


def _failed(figures: Figures) -> float:
    return float(sum(count for outcome, count in figures["outcomes"]["fault"].items() if outcome != "ok"))


def _blocked(figures: Figures) -> float | None:
    cache = figures["caches"].get("items")
    return cache["blocked_reads"] if cache else None


def _all_answered(arm: str) -> Prediction:
    return Prediction(
        arm=arm,
        name="share of requests answered during the outage",
        formula="all, while the outage is shorter than entries are kept",
        predicted=lambda _: 1.0,
        measured=_good_share,
        band=0.01,
    )


EXPERIMENT = Experiment(
    name="origin_outage",
    question="Both databases are down for twelve seconds: who still gets an answer, and who waits for it?",
    prediction=(
        f"Without a defence an entry answers until its {TTL_S:g} s are over, half of that on average; an entry that "
        "may be served stale answers through the whole outage, and with revalidation behind the back nobody waits."
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
    services={
        "edge": {"RULEZERO_SLOTS": "500"},
        "catalog-1": {"RULEZERO_CACHE_TTL_S": str(TTL_S)},
        "catalog-2": {"RULEZERO_CACHE_TTL_S": str(TTL_S)},
    },
    faults=origin_is_down.FAULTS,
    durations=Durations(warmup_s=8, baseline_s=6, fault_s=OUTAGE_S, hold_s=8),
    base=("ttl_jitter",),
    arms=(
        Arm(name="none", numbers={"ttl_jitter": NUMBERS["ttl_jitter"]}),
        Arm(name="stale_if_error", defences=("stale_if_error",), numbers=NUMBERS),
        Arm(name="stale_while_revalidate", defences=("stale_while_revalidate",), numbers=NUMBERS),
        Arm(name="both", defences=("stale_while_revalidate", "stale_if_error"), numbers=NUMBERS),
    ),
    demo_arms=("none", "stale_if_error"),
    checks=(
        control_fails("none", phase="fault", at_most=0.5),
        *(
            figure_within(arm, "requests that failed in the outage", _failed, at_most=0)
            for arm in ("stale_if_error", "stale_while_revalidate", "both")
        ),
        *(
            keeps_goodput(arm, phase="hold", at_least=0.95)
            for arm in ("stale_if_error", "stale_while_revalidate", "both")
        ),
        figure_within("stale_while_revalidate", "reads that waited for a load", _blocked, at_most=0),
    ),
    predictions=(
        Prediction(
            arm="none",
            name="share of requests answered during the outage",
            formula="time to live / 2 x (1 + jitter^2 / 3) / outage, of the entries that are there when it begins",
            predicted=lambda _: fresh_share(TTL_S, OUTAGE_S, jitter=JITTER, read_rps=READ_RPS),
            measured=_good_share,
            band=0.3,  # Over eighty entries a tenth is one standard error.
        ),
        _all_answered("stale_if_error"),
        _all_answered("stale_while_revalidate"),
        _all_answered("both"),
    ),
)
