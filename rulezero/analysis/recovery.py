"""When a system is back after a fault: one rule, for what was measured and for what is predicted alike."""

from collections.abc import Iterable, Mapping

RECOVERED_SHARE = 0.9
RECOVERED_FOR_S = 3.0
STEP_S = 0.25

Steps = Mapping[int, tuple[int, int]]


def back_for_good_s(steps: Steps, *, hold_s: float, baseline: float = 1.0) -> float | None:
    """Return how many seconds after the end of the fault goodput was back for good; None when it was not.

    Back: in every stretch of three seconds from then on, the good share of what was offered is 90 % of the baseline's
    or more, and so it is in the first quarter of a second, which is the resolution,
    in which anything was asked: at low rates most have nothing.

    Args:
        steps: For each quarter of a second since the end of the fault, requests that were good and requests in all.
        hold_s: How long the load went on after the fault.
        baseline: The good share before the fault.

    """
    stretch = round(RECOVERED_FOR_S / STEP_S)
    last = int(hold_s / STEP_S) - stretch
    start = last + 1
    while start > 0 and _share(steps, range(start - 1, start - 1 + stretch)) >= RECOVERED_SHARE * baseline:
        start -= 1
    if start > last:
        return None
    while start < last:
        asked = next((number for number in range(start, start + stretch) if steps.get(number, (0, 0))[1]), None)
        if asked is None or _share(steps, (asked,)) >= RECOVERED_SHARE * baseline:
            break
        start = asked + 1
    return min(start, last) * STEP_S


def _share(steps: Steps, stretch: Iterable[int]) -> float:
    """Return the good share of a stretch of steps, 0 when nothing was asked."""
    found = [steps.get(number, (0, 0)) for number in stretch]
    asked = sum(count for _, count in found)
    return sum(good for good, _ in found) / asked if asked else 0.0
