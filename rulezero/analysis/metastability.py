"""Whether an arm stayed up, came back, or stays down although its fault is long gone; and what keeps it down.

A failure that outlives its trigger is metastable: a loop sustains it, such as retries that bring more load than there
is capacity (Bronson et al., HotOS 2021; Huang et al., OSDI 2022). Goodput is what it goes by.
"""

from collections.abc import Mapping
from typing import Any, Literal

from rulezero.analysis.recovery import RECOVERED_FOR_S, RECOVERED_SHARE
from rulezero.checks import kept
from rulezero.experiment import Figures

Word = Literal["robust", "recovered", "metastable", "undecided"]

# What was sent before the fault ended takes a timeout to go away, and so does each round of its retries.
HOLD_TIMEOUTS_MIN = 10


def state(figures: Figures, *, timeout_s: float | None, over: bool = True) -> dict[str, Any]:
    """Return what verdict.json says of an arm's state, from its other figures.

    `gain`: settled attempts a second on a link into a service over what that service can serve a second, in the hold,
    on the worst link; from 1 on the loop sustains itself. `wasted_share`: of the time that slots were held in the hold,
    that for callers who had left, at the worst service.

    Args:
        figures: What verdict.json says of the arm.
        timeout_s: How long the most patient client waits; None when there is none.
        over: Whether the hold went on to its end.

    """
    hold_timeouts = figures["lengths_s"]["hold"] / timeout_s if timeout_s else None
    gain, link = _worst(_gains(figures))
    wasted_share, service = _worst(_wasted(figures))
    return {
        "state": _word(figures, hold_timeouts if over else None),
        "hold_timeouts": hold_timeouts,
        "gain": gain,
        "gain_link": link,
        "wasted_share": wasted_share,
        "wasted_service": service,
    }


def longest_timeout_s(manifest: Mapping[str, Any]) -> float | None:
    """Return how long the most patient client waits, of streams and crowds."""
    return max((load["deadline_s"] for load in (*manifest["streams"], *manifest["bursts"])), default=None)


def _word(figures: Figures, hold_timeouts: float | None) -> Word:
    recovery_s = figures["recovery_s"]
    if recovery_s is not None:
        stayed_up = recovery_s == 0 and kept(figures, "fault") >= RECOVERED_SHARE
        return "robust" if stayed_up else "recovered"
    worked, asked = figures["goodput_rps"]["baseline"], figures["offered_rps"]["hold"]
    long_enough = figures["lengths_s"]["hold"] >= RECOVERED_FOR_S and (hold_timeouts or 0.0) >= HOLD_TIMEOUTS_MIN
    return "metastable" if worked and asked and long_enough else "undecided"


def _gains(figures: Figures) -> dict[str, float]:
    """Return the gain by link, of the links into services whose capacity is known."""
    capacities: Mapping[str, float] = figures["capacity_rps"]
    attempts: Mapping[str, Mapping[str, float]] = figures["settled_attempts_rps"]
    return {
        link: by_phase["hold"] / capacities[service]
        for link, by_phase in attempts.items()
        for service in sorted(capacities, key=len)  # Of two that fit, the longer name is meant.
        if link.endswith(f"-{service}") and "hold" in by_phase
    }


def _wasted(figures: Figures) -> dict[str, float]:
    shares = {service: work["share"]["hold"] for service, work in figures["dead_work"].items()}
    return {service: share for service, share in shares.items() if share is not None}


def _worst(values: Mapping[str, float]) -> tuple[float | None, str | None]:
    """Return the greatest with its name; nothing of nothing."""
    name = max(values, key=lambda one: values[one], default=None)
    return (None, None) if name is None else (values[name], name)
