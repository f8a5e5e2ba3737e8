"""What a gate says: JUnit XML that a CI server reads, Markdown that a pull request shows."""

from junitparser import JUnitXml

from rulezero.analysis.gate import Case, parse_rule
from rulezero.report.gate import cells, junit, outcome, summary

FELL = Case(
    rule=parse_rule("goodput_hold < -5%"), arm="none", before=0.9, now=0.6, change=-30.0, held=False
)  # fmt: skip
SLOWER = Case(rule=parse_rule("p99_hold_ms > 20%"), arm="all", before=100.0, now=110.0, change=10.0, held=True)
UNSAID = Case(rule=parse_rule("origin_loads > 5"), arm="a|b<c>\x07", reason="not measured")
CASES = [FELL, SLOWER, UNSAID]


def test_junit_has_a_case_for_each() -> None:
    """Failures carry the numbers; what cannot be said is an error; control characters do not break the file."""
    document = JUnitXml.fromstring(junit("cascade", CASES))
    assert (document.tests, document.failures, document.errors) == (3, 1, 1)
    (suite,) = document
    fell, slower, unsaid = suite
    assert (fell.name, fell.classname) == ("goodput_hold < -5%", "cascade.none")
    assert fell.result[0].message == (
        "none: goodput_hold went from 90 % to 60 % (-30 points); the rule is goodput_hold < -5%"
    )
    assert slower.is_passed
    assert "not measured" in unsaid.result[0].message


def test_the_summary_is_a_table_that_names_cannot_break() -> None:
    """Each case is a row of as many cells as there are heads."""
    told = summary("cascade", CASES)
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert len(rows) == 5
    assert all(row.replace(r"\|", "").count("|") == 7 for row in rows)
    assert "FAILED" in told
    assert "1 of 3 held, 1 failed, 1 cannot be said" in outcome("cascade", CASES)
    assert "<c>" not in told


def test_changes_are_told_in_the_terms_of_the_rule() -> None:
    """Points for shares, percent or the unit for the rest."""
    absolute = Case(rule=parse_rule("p99_hold_ms > 20"), arm="a", before=1.0, now=11.5, change=10.5, held=True)
    share = Case(rule=parse_rule("goodput < -0.05"), arm="a", before=0.9, now=0.8, change=-0.1, held=False)
    assert [cells(case)[4] for case in (FELL, SLOWER, UNSAID, absolute, share)] == [
        "-30 points", "+10 %", "-", "+10.5 ms", "-10 points",
    ]  # fmt: skip
