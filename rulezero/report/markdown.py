"""A record as Markdown, to paste into a pull request: what the page says, without its charts over time."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rulezero.experiment import MEASURED
from rulezero.record import Record
from rulezero.report.evidence import decision_rows, fault_texts, invalid_reasons, validity_table
from rulezero.report.grafana import grafana_links
from rulezero.report.headline import comparison_of
from rulezero.report.inside import inside_table
from rulezero.report.states import state_note, state_table
from rulezero.report.tables import LEDGER, arm_rows, ledger_rows, phase_rows, prediction_rows, unexercised
from rulezero.report.traces import Waterfall, waterfall_lines, waterfalls
from rulezero.report.words import MISSING, number, verdict_word, with_unit

_TERMS = (
    "Goodput counts answers that are correct and within the caller's deadline, from the intended send, per second; "
    "percentiles are of good answers."
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def render_markdown(record: Record) -> str:
    """Return what the page says, but the charts over time; text from the record is escaped."""
    verdict = record.verdict
    first = comparison_of(record)
    blocks = [
        f"## {_text(verdict.get('experiment', 'record'))}: {_text(verdict.get('question', ''))}",
        *_opening(record),
        _text(first.summary) if first else "",
        f"Predicted: {_text(verdict['prediction'])}" if verdict.get("prediction") else "",
        _arms(verdict),
        "\n".join(f"- {_text(line)}" for line in unexercised(verdict)),
        _latencies(verdict),
        *_optional("### After the fault", _states(verdict)),
        *_optional("### Inside the system", _inside(verdict)),
        *_optional("### Decisions of the defences", _decisions(verdict)),
        *_optional("### Circuit breakers", _breakers(verdict)),
        *_optional("### Predicted beside measured", _predictions(verdict)),
        *_optional("### Checks", _checks(verdict)),
        *_optional("### Ledger", _ledger(verdict)),
        *_optional("### Single requests, span by span", _traces(record)),
        *_optional("### Can this run be believed?", _validity(verdict)),
        *_reproduce(record),
        _TERMS,
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _opening(record: Record) -> Iterator[str]:
    verdict = record.verdict
    if not verdict.get("valid", False):
        yield "**INVALID RUN: nothing can be concluded from it.**"
        yield "\n".join(f"- {_text(reason)}" for reason in invalid_reasons(record))
        return
    if verdict.get("harm"):
        yield f"**{_text(verdict['harm'])}**"
    yield f"**{verdict_word(verdict)}**"
    yield _text(verdict.get("summary", ""))


def _arms(verdict: Mapping[str, Any]) -> str:
    rows = arm_rows(verdict)
    heads = [
        "Arm",
        *(f"Goodput, {phase}" for phase in MEASURED),
        "Not good in the fault",
        "Recovery",
        "Most amplified link",
    ]
    with_origin = any(row.origin_loads != MISSING for row in rows)
    yardstick = verdict.get("yardstick")
    body = []
    for row in rows:
        kept = [row.goodput["baseline"], *(f"{row.goodput[phase]} ({row.kept[phase]})" for phase in MEASURED[1:])]
        origin = [row.origin_loads] if with_origin else []
        value = [row.yardstick] if yardstick else []
        body.append([row.name, *kept, row.failed, row.recovery, row.amplification, *origin, *value, row.effect])
    more = [*(["Loads at the origin"] if with_origin else []), *([_text(yardstick)] if yardstick else [])]
    return _table([*heads, *more, "Against the control"], body)


def _inside(verdict: Mapping[str, Any]) -> str:
    table = inside_table(verdict)
    return _table(["Arm", *table.heads], [[arm, *cells] for arm, cells in table.rows])


def _states(verdict: Mapping[str, Any]) -> str:
    table = state_table(verdict)
    drawn = _table(["Arm", *table.heads], [[arm, *cells] for arm, cells in table.rows])
    return "\n\n".join(part for part in (drawn, _text(state_note(verdict))) if part)


def _latencies(verdict: Mapping[str, Any]) -> str:
    heads = ["Arm", "Phase", "Not good", "p50", "p99", "What became of those"]
    rows = phase_rows(verdict)
    return _table(heads, [[row.arm, row.phase, row.failed, row.p50, row.p99, row.outcomes] for row in rows])


def _predictions(verdict: Mapping[str, Any]) -> str:
    heads = ["Arm", "Figure", "Formula", "Predicted", "Measured", "Ratio", "Accepted", "Within"]
    return _table(
        heads,
        [
            [row.arm, row.name, row.formula, row.predicted, row.measured, row.ratio, row.accepted, row.within]
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
    return _table(["Arm", *LEDGER.values()], list(ledger_rows(verdict)))


def _decisions(verdict: Mapping[str, Any]) -> str:
    rows = [[row.arm, row.defence, row.intervened, row.passed] for row in decision_rows(verdict)]
    return _table(["Arm", "Defence", "Intervened", "Let pass"], rows)


def _breakers(verdict: Mapping[str, Any]) -> str:
    rows = [
        [arm["name"], f"{each['process']} to {each['dependency']}", f"{each['opened']}", f"{number(each['open_s'])} s"]
        for arm in verdict.get("arms", ())
        for each in arm.get("breakers") or ()
        if each["opened"]
    ]
    return _table(["Arm", "Breaker", "Seen to open", "Open in all"], rows)


def _traces(record: Record) -> str:
    """Return each waterfall as text, folded away: a dozen lines each would bury the rest."""
    return "\n\n".join(
        f"<details><summary>{html.escape(_title(each))}</summary>\n\n{_indented(waterfall_lines(each))}\n\n</details>"
        for each in waterfalls(record.rows, record.spans)
    )


def _title(trace: Waterfall) -> str:
    ended = f"{trace.outcome.replace('_', ' ')} after {with_unit(trace.latency_ms, 'ms')}"
    return f"{trace.title}: {trace.route} in arm {trace.arm}, {trace.phase} phase, {ended}"


def _indented(lines: Iterable[str]) -> str:
    """Return lines as a block of code that nothing in them can end."""
    return "\n".join(f"    {line}" for line in lines)


def _validity(verdict: Mapping[str, Any]) -> str:
    table = validity_table(verdict)
    if not table.rows:
        return ""
    body = [[name, limit, *cells] for name, limit, cells in table.rows]
    return _table(["Check", "Limit", *(_text(arm) for arm in table.arms)], body)


def _reproduce(record: Record) -> Iterator[str]:
    manifest, seed = record.manifest, record.verdict.get("seed", MISSING)
    yield "### How to reproduce it"
    if manifest.get("reproduce"):
        yield _indented([" ".join(str(manifest["reproduce"]).split())])
    if links := grafana_links(manifest):
        yield "In Grafana, while it keeps the data: " + ", ".join(f"[{_text(arm)}](<{url}>)" for arm, url in links)
    host, faults = manifest.get("host", {}), fault_texts(manifest)
    machine = f"{host.get('cores', MISSING)} cores, Python {host.get('python', MISSING)}"
    started = f"Started {manifest.get('started_at', MISSING)}, rulezero {manifest.get('rulezero', MISSING)}"
    yield _text(f"Seed {seed}. {started}, on {machine}. Faults: {'; '.join(faults) or 'none recorded'}.")


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
