"""How each arm stood after the fault, as one table."""

from dataclasses import replace
from typing import Any

import pytest

from rulezero.record import Record
from rulezero.report.html import render_html
from rulezero.report.markdown import render_markdown
from rulezero.report.states import state_note, state_table, state_text

STATE = {"state": "metastable", "hold_timeouts": 29.1, "gain": 1.797, "gain_link": "edge-catalog",
         "wasted_share": 0.62, "wasted_service": "catalog"}  # fmt: skip
BUDGET = {"objective": 0.99, "burnt": 61.56, "month_share": 0.000534, "outages_a_month": 1873.5}


def arm(name: str = "none", **figures: Any) -> dict[str, Any]:
    return {"name": name, "recovery_s": None, **figures}


def dead(share: float | None) -> dict[str, Any]:
    return {"share": {"hold": share}, "rps": {"hold": 0.0}}


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"state": {**STATE, "state": "robust"}}, "robust"),
        ({"state": {**STATE, "state": "recovered"}, "recovery_s": 4.5}, "recovered after 4.5 s"),
        ({"state": {**STATE, "state": "recovered"}, "recovery_s": 0.0}, "recovered at once"),
        ({"state": STATE}, "metastable"),
        ({"state": {**STATE, "state": "undecided", "hold_timeouts": 6.0}}, "undecided: hold of 6 timeouts"),
        ({"state": {**STATE, "state": "undecided", "hold_timeouts": None}}, "undecided"),
        ({"state": None}, "-"),
        ({}, "-"),
    ],
)
def test_the_state_in_words(figures: dict[str, Any], text: str) -> None:
    """With the number that it goes by; a run in which nothing was done, or an older record, has none."""
    assert state_text(arm(**figures)) == text


def test_loop_waste_and_budget_stand_beside_it() -> None:
    """The worst link and the worst service by name, and only whole outages."""
    work = {"edge": dead(None), "catalog": dead(0.62), "checkout": dead(0.1)}
    table = state_table({"arms": [arm(state=STATE, budget=BUDGET, dead_work=work)]})
    assert dict(zip(table.heads, table.rows[0][1], strict=True)) == {
        "after the fault": "metastable",
        "loop gain": "1.8 (edge-catalog)",
        "time wasted": "62 % (catalog)",
        "budget burnt": "61.6 x",
        "share of a month's budget": "0.053 %",
        "outages a month": "1,870",
    }


def test_where_an_arm_is_back_no_loop_is_named() -> None:
    """Its busiest link has nothing to explain; where all are back, the column is gone."""
    back, down = arm(state={**STATE, "state": "robust"}), arm("other", state=STATE)
    assert "loop gain" not in state_table({"arms": [back, back]}).heads
    table = state_table({"arms": [back, down]})
    place = list(table.heads).index("loop gain")
    assert [cells[place] for _, cells in table.rows] == ["-", "1.8 (edge-catalog)"]


def test_what_no_arm_has_is_left_out() -> None:
    """And so is the sentence that explains it; a record without any of it has no table."""
    verdict = {"arms": [arm(state={**STATE, "gain": None}, dead_work={"edge": dead(0.0)}), arm("all")]}
    table = state_table(verdict)
    assert (table.heads, [cells for _, cells in table.rows]) == (["after the fault"], [["metastable"], ["-"]])
    assert state_note(verdict) == ""
    for empty in ({}, {"arms": [arm()]}):
        assert (state_table(empty).rows, state_note(empty)) == ([], "")


def test_the_note_names_the_objective() -> None:
    """A promise of 99.95 % is not rounded to one that nobody made."""
    strict = {"arms": [arm(budget={**BUDGET, "objective": 0.9995})]}
    assert "times what the objective of 99.95 % allows" in state_note(strict)


def test_page_and_markdown_show_it(record: Record) -> None:
    """The same table and the same note in both, escaped; a record that was judged before there were states has none."""
    first, second = record.verdict["arms"]
    linked = {**first, "state": {**STATE, "gain_link": "<b>"}}
    told = replace(record, verdict={**record.verdict, "arms": [linked, second]})
    for text, escaped in ((render_html(told), "&lt;b&gt;"), (render_markdown(told), "\\<b\\>")):
        assert f"1.8 ({escaped})" in text
        assert "what the objective of 99 % allows" in text
        assert text.index("After the fault") > text.index("not good" if "<html" in text else "Not good")
    old = [{key: value for key, value in each.items() if key not in ("state", "budget")} for each in (first, second)]
    before = replace(record, verdict={**record.verdict, "arms": old})
    for text in (render_html(before), render_markdown(before)):
        assert "After the fault" not in text
