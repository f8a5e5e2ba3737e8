"""Beside what each defence is priced: what a defence needs to work at all is no part of its own price.

A breaker, a throttle and a retry see a call that hangs only when a timeout ends it, and a retry budget has nothing to
spend without retries. Their price is what they add to that; the price of all others is what they add to nothing.
"""

from collections.abc import Mapping

CONTROL = "none"
BESIDE: Mapping[str, str] = {
    "retry": "timeout",
    "retry_budget": "retry",
    "adaptive_throttle": "timeout",
    "circuit_breaker": "timeout",
}


def control_of(defence: str) -> str:
    """Return the arm that an arm of this defence differs from in nothing but this defence."""
    return BESIDE.get(defence, CONTROL)


def together(defence: str) -> tuple[str, ...]:
    """Return the defence after all that it needs."""
    needed = BESIDE.get(defence)
    return (defence,) if needed is None else (*together(needed), defence)
