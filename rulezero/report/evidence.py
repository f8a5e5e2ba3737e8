"""What a report says of the run itself: why it may be believed or not, what was done to it, what the defences did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rulezero.defences import CATALOGUE
from rulezero.record import Record
from rulezero.report.charts.frame import time_axis
from rulezero.report.words import MISSING, number

# Decisions that let a call pass, by defence and decision.
IDLE = {(defence.name, decision) for defence in CATALOGUE for decision in defence.idle_decisions}


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRow:
    """What one defence decided in one arm, the most frequent first; apart from it what only let a call pass."""

    arm: str
    defence: str
    intervened: str
    passed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidityTable:
    """Checks as rows of (check, limit, measured by arm); `failed` says in words what is beyond its limit."""

    arms: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[str]]]
    failed: Sequence[str]
    passed: int


def decision_rows(verdict: Mapping[str, Any]) -> list[DecisionRow]:
    """Return one row per arm and defence that was on in it, in the order applied."""
    names = [defence.name for defence in CATALOGUE]
    rows = []
    for arm in verdict.get("arms", ()):
        present = {*(arm.get("defences") or ()), *(arm.get("decisions") or ())}
        ordered = [*(name for name in names if name in present), *sorted(present.difference(names))]
        rows += [_decision_row(arm, defence) for defence in ordered]
    return rows


def _decision_row(arm: Mapping[str, Any], defence: str) -> DecisionRow:
    counts = sorted((arm.get("decisions") or {}).get(defence, {}).items(), key=lambda item: (-item[1], item[0]))
    told = [(f"{count:,} {decision.replace('_', ' ')}", (defence, decision) in IDLE) for decision, count in counts]
    return DecisionRow(
        arm=arm["name"],
        defence=defence,
        intervened=", ".join(text for text, idle in told if not idle) or "nothing",
        passed=", ".join(text for text, idle in told if idle) or MISSING,
    )


def validity_table(verdict: Mapping[str, Any]) -> ValidityTable:
    """Return the validity checks side by side; the n-th check of a name is one row over all arms."""
    arms = [arm["name"] for arm in verdict.get("arms", ())]
    cells: dict[tuple[str, int], dict[str, Mapping[str, Any]]] = {}
    for check in verdict.get("validity", ()):
        place = 0
        while check["arm"] in cells.get((check["name"], place), {}):
            place += 1
        cells.setdefault((check["name"], place), {})[check["arm"]] = check
    rows = [
        (_named(name), number(next(iter(by_arm.values()))["limit"]), [_measured(by_arm.get(arm)) for arm in arms])
        for (name, _), by_arm in cells.items()
    ]
    checks = [check for by_arm in cells.values() for check in by_arm.values()]
    failed = [f"{check['arm']}: {check['text']}" for check in checks if not check["ok"]]
    return ValidityTable(arms=arms, rows=rows, failed=failed, passed=len(checks) - len(failed))


def invalid_reasons(record: Record) -> list[str]:
    """Return why the record is not valid."""
    reasons = list(record.verdict.get("invalid_reasons", ()))
    if record.manifest.get("interrupted") and not any("interrupt" in reason for reason in reasons):
        reasons.append("the run was interrupted")
    if not record.verdict:
        reasons.append("the record has no verdict")
    return reasons


def fault_texts(manifest: Mapping[str, Any]) -> list[str]:
    """Return what happened to the system, each kind once; expiries and bursts come many times."""
    axes = [time_axis(manifest, arm["name"]) for arm in manifest.get("arms", ())]
    return list(dict.fromkeys(text for axis in axes for text, _, _ in axis.faults if text != "fault"))


def missed_scrapes(manifest: Mapping[str, Any]) -> str:
    """Return how many scrapes of which process failed in which arm."""
    return "; ".join(
        f"{count} of {process} in {arm['name']}"
        for arm in manifest.get("arms", ())
        for process, count in (arm.get("missed_scrapes") or {}).items()
    )


def _named(check: str) -> str:
    return check.replace("_", " ")


def _measured(check: Mapping[str, Any] | None) -> str:
    if check is None:
        return MISSING
    return number(check["measured"]) if check["ok"] else f"{number(check['measured'])} NO"
