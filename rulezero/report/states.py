"""How each arm stood when the fault was over, as one table: its state, what kept it there, and what that cost users."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rulezero.report.inside import Arm, InsideTable, table_of
from rulezero.report.words import MISSING, number, outages, percent, seconds, share, times

_BACK = ("robust", "recovered")
STATE, MONTH = "after the fault", "share of a month's budget"


def state_table(verdict: Mapping[str, Any]) -> InsideTable:
    """Return what there is; without anything, no rows."""
    return table_of(verdict, _COLUMNS)


def state_note(verdict: Mapping[str, Any]) -> str:
    """Return what the columns of the table mean, of those that it has."""
    heads, promised = state_table(verdict).heads, _objective(verdict)
    return " ".join(text.format(objective=promised) for head, text in _NOTES.items() if head in heads)


def state_text(arm: Arm) -> str:
    """Return whether an arm stayed up, came back or stays down; missing where nothing was done to it."""
    found = arm.get("state") or {}
    word = found.get("state", MISSING)
    if word == "recovered":
        return f"recovered after {seconds(arm['recovery_s'])}" if arm.get("recovery_s") else "recovered at once"
    if word == "undecided" and found["hold_timeouts"] is not None:
        return f"undecided: hold of {number(found['hold_timeouts'])} timeouts"
    return str(word)


def _objective(verdict: Mapping[str, Any]) -> str:
    found = [arm["budget"]["objective"] for arm in verdict.get("arms", ()) if arm.get("budget")]
    return percent(found[0]) if found else MISSING


def _gain(arm: Arm) -> str:
    """Return the gain of the worst link; where an arm is back, no loop has anything to explain."""
    found = arm.get("state") or {}
    gain = None if found.get("state") in _BACK else found.get("gain")
    return f"{number(gain)} ({found['gain_link']})" if gain else number(gain)


def _wasted(arm: Arm) -> str:
    """Return the share of the service that wasted most of its time."""
    shares = [
        (work["share"]["hold"], service)
        for service, work in (arm.get("dead_work") or {}).items()
        if work["share"]["hold"] is not None
    ]
    worst, service = max(shares, default=(None, ""))
    return f"{share(worst, 1)} ({service})" if worst else share(worst, 1)


def _of_budget(cell: Callable[[Mapping[str, Any]], str]) -> Callable[[Arm], str]:
    def shown(arm: Arm) -> str:
        return cell(arm["budget"]) if arm.get("budget") else MISSING

    return shown


_GAIN, _WASTED, _BURNT, _OUTAGES = "loop gain", "time wasted", "budget burnt", "outages a month"
_COLUMNS: Sequence[tuple[str, Callable[[Arm], str]]] = (
    (STATE, state_text),
    (_GAIN, _gain),
    (_WASTED, _wasted),
    (_BURNT, _of_budget(lambda budget: times(budget["burnt"]))),
    (MONTH, _of_budget(lambda budget: percent(budget["month_share"]))),
    (_OUTAGES, _of_budget(outages)),
)
_NOTES: Mapping[str, str] = {
    _GAIN: "Loop gain: attempts on a link into a service over what that service can serve, late in the hold; from 1 on "
    "it sustains itself.",
    _WASTED: "Time wasted: that of the slots for callers who had left, in the hold, at the worst service.",
    _BURNT: "Budget burnt: times what the objective of {objective} allows from the fault on.",
    _OUTAGES: "Outages a month: how many like this one its budget can afford.",
}
