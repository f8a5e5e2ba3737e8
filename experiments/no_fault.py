"""No fault: what each defence costs on a day on which nothing is wrong.

All routes of the shop at about half of what it can serve, and one arm for each defence, with whatever that defence
needs to work (`rulezero.analysis.beside`). `rulezero price` runs it several times and makes the price list.
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.beside import CONTROL, together
from rulezero.checks import figure_within
from rulezero.defences import CATALOGUE
from rulezero.experiment import MEASURED, Arm, Durations, Experiment, Figures, Keys, Stream

GOOD_MIN = 0.98
TTL_S = 4.0  # Short, so that entries are renewed within an arm: that is when a cache's defences work.
ITEMS = Keys(low=3, high=200, skew=1.0)

# What services/config/defences.toml ships with, where that is not a defence's own default.
NUMBERS: Mapping[str, Mapping[str, Any]] = {
    "bulkhead": {"permits": 100, "dependency": {"checkout": {"permits": 16}, "payment": {"permits": 16}}},
    "circuit_breaker": {"volume_min": 10},
    "timeout": {
        "timeout_s": 0.8,
        "dependency": {
            "payment": {"timeout_s": 0.5},
            "inventory": {"timeout_s": 0.5},
            "queue": {"timeout_s": 0.2},
            "replica": {"timeout_s": 0.45},
            "primary": {"timeout_s": 0.35},
            "cache": {"timeout_s": 0.1},
        },
    },
}


def _slots(slots: int, service_s: float) -> Mapping[str, str]:
    """Return a capacity; fixed service times, so that arms differ by their defence and not by what was drawn."""
    return {"RULEZERO_SLOTS": str(slots), "RULEZERO_SERVICE_S": str(service_s), "RULEZERO_SERVICE_CV": "0"}


def _good_share(figures: Figures) -> float | None:
    """Return the share of all requests of the arm that was good."""
    lengths_s = figures["lengths_s"]
    good, offered = (
        sum(figures[name][phase] * lengths_s[phase] for phase in MEASURED) for name in ("goodput_rps", "offered_rps")
    )
    return good / offered if offered else None


def _arm(defence: str) -> Arm:
    on = together(defence)
    return Arm(name=defence, defences=on, numbers={name: NUMBERS[name] for name in on if name in NUMBERS})


DEFENCES = tuple(defence.name for defence in CATALOGUE)
CHECKOUT_LINKS = ("edge-checkout", "checkout-inventory", "checkout-primary", "checkout-payment", "checkout-queue")

EXPERIMENT = Experiment(
    name="no_fault",
    question="Nothing is wrong: what does each defence cost?",
    prediction=(
        "No defence costs goodput when the shop is half loaded: each adds some work to every call, a few add calls of "
        "their own, and whatever one of them refuses, cancels or repeats here is a false trip."
    ),
    streams=(
        Stream(route="browse", rate_rps=50, keys=ITEMS, crosses=("edge-catalog", "catalog-cache")),
        Stream(route="search", rate_rps=20, keys=Keys(low=1, high=9), crosses=("edge-catalog", "catalog-replica")),
        Stream(route="offers", rate_rps=20, keys=ITEMS, crosses=("edge-cache",)),
        Stream(route="checkout", rate_rps=20, keys=Keys(low=3, high=200), crosses=CHECKOUT_LINKS),
        Stream(route="receipt", rate_rps=10, crosses=("edge-checkout", "checkout-queue")),
    ),
    services={
        "edge": {**_slots(12, 0.02), "RULEZERO_CACHE_TTL_S": str(TTL_S)},
        **{name: {**_slots(2, 0.015), "RULEZERO_CACHE_TTL_S": str(TTL_S)} for name in ("catalog-1", "catalog-2")},
        "payment": _slots(2, 0.04),
    },
    faults=(),
    # Measured as one: the phases are there because every record has them.
    durations=Durations(warmup_s=3, baseline_s=4, fault_s=2, hold_s=6),
    arms=(Arm(name=CONTROL), *(_arm(defence) for defence in DEFENCES)),
    demo_arms=(CONTROL, "timeout"),
    checks=tuple(
        figure_within(arm, "share of the requests that were good", _good_share, at_least=GOOD_MIN)
        for arm in (CONTROL, *DEFENCES)
    ),
)
