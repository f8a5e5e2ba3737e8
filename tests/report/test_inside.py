"""What went on inside the system, as one table."""

from dataclasses import replace
from typing import Any

import pytest

from rulezero.record import Record
from rulezero.report.html import render_html
from rulezero.report.inside import inside_table
from rulezero.report.markdown import render_markdown


def arm(name: str = "none", **figures: Any) -> dict[str, Any]:
    return {
        "name": name, "offered_rps": {"baseline": 100.0, "fault": 100.0, "hold": 100.0},
        "goodput_rps": {"baseline": 100.0, "fault": 100.0, "hold": 100.0},
        "outcomes": {"fault": {"ok": 1000}}, "latency_ms": {"fault": {}}, **figures,
    }  # fmt: skip


def cells(*arms: dict[str, Any]) -> dict[str, list[str]]:
    """Return the cells by head."""
    table = inside_table({"arms": list(arms)})
    return {head: [row[place] for _, row in table.rows] for place, head in enumerate(table.heads)}


def dead(share: float | None, rps: float) -> dict[str, Any]:
    return {"share": {"hold": share}, "rps": {"hold": rps}}


def cache(loads: float | None, waited: float, stale: float) -> dict[str, Any]:
    return {"loads_per_renewal": loads, "blocked_reads": waited, "stale": stale, "renewals": 1.0, "missed": 0.0}


def test_answers_for_nobody_are_those_of_all_services() -> None:
    """The share of the time that they took is in the table of states."""
    found = cells(arm(dead_work={"edge": dead(None, 1.0), "catalog": dead(0.62, 30.0), "checkout": dead(0.1, 2.0)}))
    assert found == {"answers for nobody a second in the hold": ["33"]}


def test_what_no_arm_has_is_left_out() -> None:
    """A column of dashes and zeros says nothing; beside an arm that has something, a zero does."""
    assert cells(arm(caches={"item": cache(None, 0.0, 0.0)}), arm("all")) == {}
    assert inside_table({"arms": [arm()]}).rows == []
    assert inside_table({}).rows == []
    found = cells(arm(caches={"item": cache(21.0, 42.0, 0.0)}), arm("all", caches={"item": cache(1.0, 0.0, 49.0)}))
    assert found == {"loads per renewal": ["21", "1"], "reads that waited": ["42", "0"], "stale reads": ["0", "49"]}


@pytest.mark.parametrize(("answers", "shown"), [(1000, ["1,100 ms"]), (999, None)])
def test_one_in_a_thousand_takes_a_thousand(answers: int, shown: list[str] | None) -> None:
    """Of fewer it would be the slowest one; failures stand beside percentiles."""
    tail = {"p95": 30.0, "p99": 1000.0, "p999": 1100.0}
    slow = arm(latency_ms={"fault": tail}, outcomes={"fault": {"ok": answers}})
    found = cells({**slow, "goodput_rps": {"fault": 90.0}})
    assert (found["p95 in the fault"], found["p99 in the fault"]) == (["30 ms"], ["1,000 ms"])
    assert found.get("p99.9 in the fault") == shown
    assert found["not good in the fault"] == ["10 %"]


def test_capacity_of_what_may_saturate() -> None:
    """Ten times what was offered in its busiest phase is never reached."""
    found = cells(arm(capacity_rps={"catalog": 143.0, "edge": 1000.0, "payment": 1001.0}))
    assert found == {"capacity a second": ["catalog 143, edge 1,000"]}


def test_page_and_markdown_show_it(record: Record) -> None:
    """The same table in both."""
    first, second = record.verdict["arms"]
    worked = {**record.verdict, "arms": [{**first, "capacity_rps": {"<b>": 143.0}}, second]}
    told = replace(record, verdict=worked)
    assert "&lt;b&gt; 143" in render_html(told)
    assert "\\<b\\> 143" in render_markdown(told)
