"""What a gate found, for a terminal, for a pull request and for a CI server."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from rulezero.analysis.gate import Case
from rulezero.report.words import MISSING, number

HEADS = ("rule", "arm", "baseline", "now", "change", "")
WORDS: Mapping[bool | None, str] = {True: "held", False: "FAILED", None: "cannot say"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def cells(case: Case) -> tuple[str, ...]:
    """Return a row of the table whose columns are `HEADS`."""
    result = f"{WORDS[case.held]}: {case.reason}" if case.reason else WORDS[case.held]
    return case.rule.text, case.arm, _value(case, case.before), _value(case, case.now), _change(case), result


def outcome(experiment: str, cases: Sequence[Case]) -> str:
    """Return the result in one sentence."""
    counts = Counter(case.held for case in cases)
    unsaid = f", {counts[None]} cannot be said" if counts[None] else ""
    return f"{experiment}: {counts[True]} of {len(cases)} held, {counts[False]} failed{unsaid}."


def summary(experiment: str, cases: Sequence[Case]) -> str:
    """Return it as Markdown, for a pull request."""
    rows = ["| " + " | ".join(_escaped(cell) for cell in cells(case)) + " |" for case in cases]
    table = ["| " + " | ".join(HEADS) + " |", "|---|---|---:|---:|---:|---|", *rows]
    return "\n".join([f"### Gate: {_escaped(outcome(experiment, cases))}", "", *table, "", ""])


def junit(experiment: str, cases: Sequence[Case]) -> str:
    """Return it as JUnit XML: a test case for each rule and arm."""
    suite = TestSuite(f"rulezero gate {_printable(experiment)}")
    for case in cases:
        test = TestCase(_printable(case.rule.text), classname=_printable(f"{experiment}.{case.arm}"))
        told = _printable(_sentence(case))
        if case.held is None:
            test.result = [Error(told, "cannot say")]
        elif not case.held:
            test.result = [Failure(told, "regression")]
        suite.add_testcase(test)
    document = JUnitXml()
    document.add_testsuite(suite)
    text: str = document.tostring().decode()  # type: ignore[no-untyped-call]  # The library left it out.
    return text + "\n"


def _sentence(case: Case) -> str:
    if case.reason:
        return f"{case.arm}: {case.reason}"
    measure, before, now = case.rule.measure.name, _value(case, case.before), _value(case, case.now)
    return f"{case.arm}: {measure} went from {before} to {now} ({_change(case)}); the rule is {case.rule.text}"


def _value(case: Case, value: float | None) -> str:
    if value is None:
        return MISSING
    unit = case.rule.measure.unit
    return f"{number(100 * value)} %" if unit == "share" else f"{number(value)} {unit}".rstrip()


def _change(case: Case) -> str:
    if case.change is None:
        return MISSING
    share = case.rule.measure.unit == "share"
    unit = "points" if share else "%" if case.rule.percent else case.rule.measure.unit
    change = 100 * case.change if share and not case.rule.percent else case.change
    sign = "+" if change > 0 else ""
    return f"{sign}{number(change)} {unit}".rstrip()


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", _printable(text))


def _printable(text: str) -> str:
    """Return a text without what neither XML nor a line of a table may hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
