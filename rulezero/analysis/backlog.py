"""The backlog as the fluid law has it: what came in less what could be worked off, and how old its oldest part is.

In each phase rate x t comes in and capacity x t goes out; nothing goes out while the consumer is dead, and nothing
comes in while the queue is full. The oldest message is the one before which so many had come in as have gone out by
now: with a steady rate it came depth / rate ago (Little's law).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rulezero.experiment import MEASURED

STEP_S = 0.25


class Backlog(NamedTuple):
    """What the law has at an instant, in seconds since the load began."""

    t_s: float
    depth: float
    oldest_s: float


def law(
    figures: Mapping[str, Any],
    windows: Mapping[str, tuple[float, float]],
    *,
    downs: Sequence[tuple[float, float]] = (),
    max_msgs: float = math.inf,
) -> Iterator[Backlog]:
    """Yield the backlog of one queue over the measured phases, `STEP_S` apart, from its figures in the verdict.

    The rates are those at which messages were offered, the capacity that of the consumers' slots by the time that each
    message held one: not the rate at which messages were seen to go.
    """
    came = gone = 0.0
    arrived: list[tuple[float, float]] = []
    oldest = 0
    for phase in MEASURED:
        start_s, end_s = windows[phase]
        offered_rps = sum(rates[phase] for rates in figures["published_rps"].values())
        capacity_rps = figures["capacity_rps"][phase] or 0.0
        for step in range(round((end_s - start_s) / STEP_S)):
            t_s = start_s + (step + 1) * STEP_S
            dead = any(down_s < t_s <= back_s for down_s, back_s in downs)
            offered = offered_rps * STEP_S
            done = 0.0 if dead else min(capacity_rps * STEP_S, came - gone + offered)
            came += max(0.0, min(offered, max_msgs - (came - gone) + done))
            gone = min(gone + done, came)
            arrived.append((came, t_s))
            while oldest < len(arrived) - 1 and arrived[oldest][0] <= gone:
                oldest += 1
            waits = came - gone > 0
            yield Backlog(t_s, came - gone, t_s - arrived[oldest][1] if waits else 0.0)
