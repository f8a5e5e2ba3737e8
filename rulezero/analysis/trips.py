"""What a defence decides when nothing is wrong: a false trip, its work of all days, or nothing that would count.

A false trip refused, dropped, cancelled or repeated something for no reason. Whatever a defence decides and no list has
is one, so that a new decision is looked at.
"""

from collections.abc import Mapping
from typing import Literal

from rulezero.defences import CATALOGUE

Kind = Literal["false trips", "acts"]

# Their work, with or without a fault: times to live are spread, loads shared, the latest calls sent twice.
ACTS: Mapping[str, tuple[str, ...]] = {
    "ttl_jitter": ("jittered",),
    "stale_while_revalidate": ("served_stale",),
    "early_expiration": ("refreshed",),
    "coalescing": ("follower",),
    "lease": ("waiter",),
    "hedging": ("hedged",),
}
# These say how something ended that was counted when it began, or that the defence stood aside.
_ASIDE: Mapping[str, tuple[str, ...]] = {
    "stale_if_error": ("too_stale",),
    "stale_while_revalidate": ("too_stale", "refreshed", "refresh_refused", "refresh_failed"),
    "early_expiration": ("capped", "refresh_refused", "refresh_failed"),
    "coalescing": ("uncoalesced",),
    "lease": ("shared", "took_over", "unavailable"),
    "hedging": ("hedge_won", "primary_won", "both_failed"),
    "circuit_breaker": ("probe", "overloaded", "closed", "half_opened", "opened"),
}
_IDLE = {defence.name: defence.idle_decisions for defence in CATALOGUE}


def kind_of(defence: str) -> Kind:
    """Return what the decisions of a defence that count are called."""
    return "acts" if defence in ACTS else "false trips"


def counted(defence: str, decision: str) -> Kind | None:
    """Return what a decision counts as, None for nothing."""
    if decision in ACTS.get(defence, ()):
        return "acts"
    passed = decision in _IDLE.get(defence, ()) or decision in _ASIDE.get(defence, ())
    return None if passed else "false trips"
