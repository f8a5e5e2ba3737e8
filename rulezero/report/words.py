"""Numbers and verdicts as plain text, the same in every form of the report."""

import math
from collections.abc import Mapping
from typing import Any

MISSING = "-"
VERDICTS = {
    "supported": "Supported: the prediction held.",
    "refuted": "Refuted: the prediction did not hold.",
    "unknown": "Unknown: this run decides nothing.",
}


def number(value: float | None) -> str:
    """Return a number with three significant digits at most, more only for whole numbers of four and up."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 9.995 else 2 if abs(value) >= 0.995 else 3
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def with_unit(value: float | None, unit: str) -> str:
    """Return a number and its unit, or the sign for a missing one."""
    text = number(value)
    return text if text == MISSING else f"{text} {unit}"


def share(part: float | None, whole: float | None) -> str:
    """Return a part as a percentage of the whole; missing when there is no whole. Rounding never hides a rest."""
    if part is None or not whole:
        return MISSING
    percentage = 100 * part / whole
    if 0 < percentage < 1:
        return "< 1 %"
    if 99 < percentage < 100:
        return "> 99 %"
    return f"{percentage:.0f} %"


def percent(part: float | None) -> str:
    """Return a share as a percentage with the digits that it has, where those below one per cent matter."""
    if part is None or not math.isfinite(part):
        return MISSING
    digits = f"{100 * part:.{2 if part < 0.01 else 4}g}"  # Not 100 % of 99.99.
    return f"{float(digits):,.8f}".rstrip("0").rstrip(".") + " %"


def times(factor: float | None) -> str:
    """Return a factor, as in "1.5 x"."""
    return with_unit(factor, "x")


def seconds(length_s: float | None) -> str:
    """Return a length of time."""
    return with_unit(length_s, "s")


def outages(budget: Mapping[str, Any]) -> str:
    """Return how many outages like this one a month can afford: whole ones, rounded down to three digits."""
    if not budget.get("ended", True):
        return "did not end"
    if budget["outages_a_month"] is None:
        return MISSING if budget["burnt"] else "any number"
    whole = math.floor(budget["outages_a_month"])
    unsure = 10 ** max(0, len(str(whole)) - 3)
    return f"{whole // unsure * unsure:,}" if whole else "not one"


def budget_text(budget: Mapping[str, Any]) -> str:
    """Return what an arm burnt of its error budget, and how often that could be."""
    if not budget["burnt"]:
        return "burnt nothing of the error budget"
    burnt = f"burnt {times(budget['burnt'])} what the objective of {percent(budget['objective'])} allows in that time"
    if not budget.get("ended", True):
        return f"{burnt}, and it did not end"
    count = outages(budget)
    return burnt if count == MISSING else f"{burnt}; {count} outages like this a month can afford"


def verdict_word(verdict: Mapping[str, Any]) -> str:
    """Return what the verdict says in a few words; of a run of some arms only, for how many it speaks."""
    text = VERDICTS.get(str(verdict.get("verdict")), VERDICTS["unknown"])
    ran, defined = len(verdict.get("arms", ())), len(verdict.get("arms_defined", ()))
    if text == VERDICTS["unknown"] or ran >= defined:
        return text
    word, _, rest = text.partition(":")
    return f"{word}, for the {ran} of {defined} arms that ran:{rest}"
