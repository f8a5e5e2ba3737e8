"""What a report says of the run itself."""

from dataclasses import replace
from typing import Any

from rulezero.record import Record
from rulezero.report import evidence


def check(name: str, arm: str, measured: float | None, *, ok: bool = True) -> dict[str, Any]:
    return {"name": name, "arm": arm, "measured": measured, "limit": 1.5, "ok": ok, "text": f"{name} of {arm}"}


def test_decisions_that_let_pass_stand_apart() -> None:
    """In the order applied, the most frequent first; a defence that was on and did nothing is named."""
    arm = {"name": "all", "defences": ["timeout", "circuit_breaker", "bulkhead"],
           "decisions": {"timeout": {"timed_out": 3}, "circuit_breaker": {"allowed": 1200, "opened": 2, "rejected": 90},
                         "bulkhead": {"admitted": 7}}}  # fmt: skip
    rows = [(row.defence, row.intervened, row.passed) for row in evidence.decision_rows({"arms": [arm]})]
    assert rows == [
        ("circuit_breaker", "90 rejected, 2 opened", "1,200 allowed"),
        ("bulkhead", "nothing", "7 admitted"),
        ("timeout", "3 timed out", "-"),
    ]


def test_validity_is_a_row_per_check_and_a_column_per_arm() -> None:
    """Two checks of one name are two rows; what is beyond its limit is marked and told in words."""
    checks = [check("cores_busy", "none", 1.0), check("fault_proof", "none", 0.1), check("fault_proof", "none", 0.2),
              check("cores_busy", "all", 1.9, ok=False), check("fault_proof", "all", None, ok=False)]  # fmt: skip
    table = evidence.validity_table({"arms": [{"name": "none"}, {"name": "all"}], "validity": checks})
    assert table.rows == [
        ("cores busy", "1.5", ["1", "1.9 NO"]),
        ("fault proof", "1.5", ["0.1", "- NO"]),
        ("fault proof", "1.5", ["0.2", "-"]),
    ]
    assert (table.passed, table.failed) == (3, ["all: cores_busy of all", "all: fault_proof of all"])


def test_reasons_are_those_of_verdict_and_manifest(record: Record) -> None:
    """Each once."""
    interrupted = replace(record, manifest={**record.manifest, "interrupted": True})
    assert evidence.invalid_reasons(record) == []
    assert evidence.invalid_reasons(interrupted) == ["the run was interrupted"]
    told = replace(interrupted, verdict={"invalid_reasons": ["the run was interrupted"]})
    assert evidence.invalid_reasons(told) == ["the run was interrupted"]
    assert evidence.invalid_reasons(replace(record, verdict={})) == ["the record has no verdict"]


def test_faults_are_named_once(record: Record) -> None:
    """However many arms had them."""
    assert evidence.fault_texts(record.manifest) == ["timeout on checkout-payment"]
    assert evidence.fault_texts({}) == []


def test_missed_scrapes_in_words() -> None:
    """Nothing where none was missed, or an old record does not say."""
    arms = [
        {"name": "none", "missed_scrapes": {"edge": 2, "payment": 1}},
        {"name": "all", "missed_scrapes": {}},
        {"name": "x"},
    ]
    assert evidence.missed_scrapes({"arms": arms}) == "2 of edge in none; 1 of payment in none"
