"""The error budget: what an objective allows to go wrong, and how much of it one outage takes.

An objective of 99 % allows one request in a hundred to be bad, over 30 days (Google's SRE workbook, chapter 2).
"""

from collections.abc import Mapping
from typing import Any

MONTH_S = 30 * 86_400.0
ONSET = ("fault", "hold")


def budget(figures: Mapping[str, Any], lengths_s: Mapping[str, float], objective: float) -> dict[str, Any]:
    """Return what an arm burnt from the beginning of the fault on.

    `burnt`: bad requests over those that the objective allows in the same time: 1 is exactly all of it. `month_share`:
    bad requests over those allowed in 30 days at the load of the baseline; None where there was none.
    `outages_a_month`: how many like this one a month can afford; None for one that burnt nothing, or did not end:
    then, as `ended` says, the others are what was burnt until nobody looked any more.
    """
    ended = figures["recovery_s"] is not None
    offered = sum(figures["offered_rps"][phase] * lengths_s[phase] for phase in ONSET)
    good = sum(figures["goodput_rps"][phase] * lengths_s[phase] for phase in ONSET)
    bad = offered - good
    allowed_in_a_month = (1 - objective) * figures["offered_rps"]["baseline"] * MONTH_S
    month_share = bad / allowed_in_a_month if allowed_in_a_month else None
    return {
        "objective": objective,
        "burnt": bad / ((1 - objective) * offered) if offered else 0.0,
        "month_share": month_share,
        "outages_a_month": 1 / month_share if month_share and ended else None,
        "ended": ended,
    }
