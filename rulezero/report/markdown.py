"""A verdict as Markdown, to paste into a pull request."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rulezero.experiment import MEASURED
from rulezero.report.tables import arm_rows, ledger_rows, phase_rows, prediction_rows
from rulezero.report.words import MISSING, verdict_word

_TERMS = (
    "Goodput counts answers that are correct and within the caller's deadline, from the intended send, per second; "
    "percentiles are of good answers."
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def render_markdown(verdict: Mapping[str, Any]) -> str:
    """Return the verdict, the arms, the checks and the predictions; text from the record is escaped."""
    blocks = [
        f"## {_text(verdict.get('experiment', 'record'))}: {_text(verdict.get('question', ''))}",
        *_opening(verdict),
        _arms(verdict),
        _latencies(verdict),
        *_optional("### Predicted beside measured", _predictions(verdict)),
        *_optional("### Checks", _checks(verdict)),
        *_optional("### Ledger", _ledger(verdict)),
        f"Seed {_text(verdict.get('seed', MISSING))}. {_TERMS}",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _opening(verdict: Mapping[str, Any]) -> Iterator[str]:
    if not verdict.get("valid", False):
        reasons = verdict.get("invalid_reasons") or ["the record has no verdict"]
        yield "**INVALID RUN: nothing can be concluded from it.**"
        yield "\n".join(f"- {_text(reason)}" for reason in reasons)
        return
    yield f"**{verdict_word(verdict)}**"
    yield _text(verdict.get("summary", ""))


def _arms(verdict: Mapping[str, Any]) -> str:
    rows = arm_rows(verdict)
    heads = ["Arm", *(f"Goodput, {phase}" for phase in MEASURED), "Not good in the fault", "Recovery", "Most attempts"]
    with_origin = any(row.origin_loads != MISSING for row in rows)
    body = []
    for row in rows:
        kept = [row.goodput["baseline"], *(f"{row.goodput[phase]} ({row.kept[phase]})" for phase in MEASURED[1:])]
        origin = [row.origin_loads] if with_origin else []
        body.append([row.name, *kept, row.failed, row.recovery, row.attempts, *origin, row.effect])
    return _table([*heads, *(["Loads at the origin"] if with_origin else []), "Against the control"], body)


def _latencies(verdict: Mapping[str, Any]) -> str:
    heads = ["Arm", "Phase", "Not good", "p50", "p99", "What became of those"]
    rows = phase_rows(verdict)
    return _table(heads, [[row.arm, row.phase, row.failed, row.p50, row.p99, row.outcomes] for row in rows])


def _predictions(verdict: Mapping[str, Any]) -> str:
    heads = ["Arm", "Figure", "Formula", "Predicted", "Measured", "Accepted", "Within"]
    return _table(
        heads,
        [
            [row.arm, row.name, row.formula, row.predicted, row.measured, row.band, row.within]
            for row in prediction_rows(verdict)
        ],
    )


def _checks(verdict: Mapping[str, Any]) -> str:
    return "\n".join(
        f"- {'held' if check['held'] else '**did not hold**'}{' (control)' if check.get('control') else ''}: "
        f"{_text(check['text'])}"
        for check in verdict.get("checks", ())
    )


def _ledger(verdict: Mapping[str, Any]) -> str:
    return _table(["Arm", "Orders", "Charges", "Duplicate charges"], list(ledger_rows(verdict)))


def _optional(heading: str, block: str) -> Iterator[str]:
    if block:
        yield heading
        yield block


def _table(heads: Sequence[str], rows: Sequence[Iterable[str]]) -> str:
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: object) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
