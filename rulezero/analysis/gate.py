"""A gate: rules about how far a measure may fall behind what it was, one case for each rule and arm.

A rule is "[ARM.]MEASURE < -5%": it fails when the change to the baseline is smaller than that. With % the change is in
points for shares, else relative to the baseline; without, it is in the measure's own unit.

Nothing is said of a run by another definition of the experiment, or on another target, than the baseline: what changed
may be that alone.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rulezero.analysis.measures import Measure, measure_named
from rulezero.analysis.snapshot import Snapshot
from rulezero.errors import EXIT_REFUTED, EXIT_SUPPORTED, EXIT_UNKNOWN, UsageProblem

_SHORT = 12  # Enough of a hash to tell it from another, and all of the name of a target.
_RULE = re.compile(
    r"(?:(?P<arm>[^\s.<>]+)\.)?(?P<measure>\w+)\s*(?P<sign>[<>])\s*(?P<number>[-+]?[\d.]+)(?P<percent>%?)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What may not be: a change of `measure` beyond `limit` the worse way. `arm` None: in every arm."""

    text: str
    arm: str | None
    measure: Measure
    limit: float
    percent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One rule for one arm. `held` is None where it cannot be said, and `reason` why.

    `change` is in the rule's terms: percent or points with %, else the measure's unit.
    """

    rule: Rule
    arm: str
    before: float | None = None
    now: float | None = None
    change: float | None = None
    held: bool | None = None
    reason: str = ""


def parse_rule(text: str) -> Rule:
    """Return the rule that a text is. Raises UsageProblem."""
    found = _RULE.fullmatch(text.strip())
    try:
        number = float(found["number"]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or not math.isfinite(number):
        raise UsageProblem(f"{text!r} is no rule; write [ARM.]MEASURE < NUMBER[%], as in 'goodput_hold < -5%'")
    measure = measure_named(found["measure"])
    worse = "<" if measure.better == "higher" else ">"
    if found["sign"] != worse:
        raise UsageProblem(f"{text!r} fails when {measure.name} gets better; write {measure.name} {worse} ...")
    rule = Rule(text=text.strip(), arm=found["arm"], measure=measure, limit=number, percent=bool(found["percent"]))
    _require_possible(rule, worse)
    return rule


def _require_possible(rule: Rule, sign: str) -> None:
    """Refuse a change that no share can make: the rule would never fail, or always. Raises UsageProblem."""
    whole = 100.0 if rule.percent else 1.0
    if rule.measure.unit != "share" or abs(rule.limit) < whole:
        return
    forgotten = not rule.percent and abs(rule.limit) < 100.0
    remedy = f"did you mean '{sign} {rule.limit:g}%'?" if forgotten else "write a limit of less than 100%"
    points = 100.0 * (rule.limit / whole)
    raise UsageProblem(f"{rule.text!r} is a change of {points:g} points, which no share can make; {remedy}")


def compare(rules: Iterable[Rule], baseline: Snapshot, now: Snapshot) -> list[Case]:
    """Return a case for each rule and arm. Raises UsageProblem when they are of different experiments."""
    if baseline.experiment != now.experiment:
        raise UsageProblem(f"the baseline is of {baseline.experiment}, this of {now.experiment}; keep one for each")
    return [case for rule in rules for case in _cases(rule, baseline, now)]


def exit_status(cases: Sequence[Case]) -> int:
    """Return 0 when all held, 1 when one failed, 2 when none failed and one cannot be said."""
    if any(case.held is False for case in cases):
        return EXIT_REFUTED
    return EXIT_UNKNOWN if not cases or any(case.held is None for case in cases) else EXIT_SUPPORTED


def _cases(rule: Rule, baseline: Snapshot, now: Snapshot) -> Iterator[Case]:
    arms = [rule.arm] if rule.arm else list(dict.fromkeys([*baseline.arms, *now.arms])) or ["no arm"]
    for arm in arms:
        yield _case(rule, arm, baseline, now)


def _incomparable(baseline: Snapshot, now: Snapshot) -> str:
    """Return what else than the run differs from the baseline, and the remedy; nothing where they can be compared."""
    kept = (("definition", baseline.definition, now.definition), ("target", baseline.target, now.target))
    differing = [
        f"{what} ({(before or 'unknown')[:_SHORT]}, now {(after or 'unknown')[:_SHORT]})"
        for what, before, after in kept
        if before != after
    ]
    return f"the baseline is of another {' and '.join(differing)}; save a new one with --save" if differing else ""


def _case(rule: Rule, arm: str, baseline: Snapshot, now: Snapshot) -> Case:
    if reason := _incomparable(baseline, now):
        return Case(rule=rule, arm=arm, reason=reason)
    values: list[float] = []
    for what, snapshot in (("baseline", baseline), ("run", now)):
        if snapshot.reasons:
            return Case(rule=rule, arm=arm, reason=f"the {what} is invalid: {snapshot.reasons[0]}")
        if arm not in snapshot.arms:
            return Case(rule=rule, arm=arm, reason=f"the {what} has no arm {arm}")
        value = snapshot.arms[arm].get(rule.measure.name)
        if value is None:
            return Case(rule=rule, arm=arm, reason=f"{rule.measure.name} was not measured in the {what}")
        values.append(value)
    before, after = values
    change = _change(rule, before, after)
    if change is None:
        return Case(rule=rule, arm=arm, before=before, now=after, reason="there is no percentage of a baseline of 0")
    held = change >= rule.limit if rule.measure.better == "higher" else change <= rule.limit
    return Case(rule=rule, arm=arm, before=before, now=after, change=change, held=held)


def _change(rule: Rule, before: float, now: float) -> float | None:
    """Return the change as the rule counts it; None where there is none. What rounding makes of it is cut off."""
    difference = now - before
    if rule.percent and rule.measure.unit == "share":
        return round(100 * difference, 9)
    if not rule.percent or not difference:
        return round(difference, 9)
    return round(100 * difference / before, 9) if before else None
