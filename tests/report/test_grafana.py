"""Links from a report to Grafana: the compare board over the run, the overview over each arm."""

from dataclasses import replace
from typing import Any

import pytest

from rulezero.record import Record
from rulezero.report.grafana import WHOLE_RUN, grafana_links, prediction_marks
from rulezero.report.html import render_html
from rulezero.report.markdown import render_markdown

BEGAN_S = 1_795_000_000.25


def shown(record: Record, **changes: Any) -> Record:
    """Return the record of a run that a Grafana showed and outlived."""
    arms = [{**arm, "began_at_s": BEGAN_S + 60 * number} for number, arm in enumerate(record.manifest["arms"])]
    return replace(record, manifest={**record.manifest, "grafana": "http://127.0.0.1:3000", "arms": arms, **changes})


def test_each_arm_has_a_link_over_its_time(record: Record) -> None:
    """From before its first arrival to after the end of its load, by more than a scrape, in milliseconds."""
    links = dict(grafana_links(shown(record).manifest))
    names = [arm["name"] for arm in record.manifest["arms"]]
    assert list(links) == [WHOLE_RUN, *names]
    length_ms = record.manifest["windows"][-1][2] * 1000
    assert links[names[1]] == (
        f"http://127.0.0.1:3000/d/bench-overview?from=1795000058750&to={1795000061750 + length_ms:.0f}"
    )


def test_the_whole_run_has_a_link_to_the_board_that_compares_arms(record: Record) -> None:
    """From before the first arm to after the last."""
    manifest = shown(record).manifest
    last_ms = 1795000000250 + 60_000 * (len(manifest["arms"]) - 1)
    end_ms = last_ms + manifest["windows"][-1][2] * 1000 + 1500
    assert dict(grafana_links(manifest))[WHOLE_RUN] == (
        f"http://127.0.0.1:3000/d/bench-compare?from=1794999998750&to={end_ms:.0f}"
    )


def test_both_reports_have_the_links(record: Record) -> None:
    """Where a reader looks for how to see it again."""
    page, text = render_html(shown(record)), render_markdown(shown(record))
    for arm, url in grafana_links(shown(record).manifest):
        assert url.replace("&", "&amp;") in page
        assert f"(<{url}>)" in text
        assert arm in page


def test_what_was_predicted_is_marked_where_its_arm_ends(record: Record) -> None:
    """Each arm's forms in one mark, with what is accepted; what lies outside says so in capitals."""
    form = {"formula": "f", "predicted": 2.0, "measured": 2.2, "band": 0.25}
    names = [arm["name"] for arm in record.manifest["arms"]]
    told = {
        names[0]: [{"name": "loads", "within": True, **form}, {"name": "age", "within": False, **form}],
        names[1]: [{"name": "loads", "within": None, **form, "measured": None}],
    }
    arms = [{"name": name, "predictions": told.get(name, [])} for name in (*names[:2], "never began")]
    marks = prediction_marks(shown(record).manifest, {"experiment": "x", "arms": arms})
    assert [mark.tags for mark in marks] == [("rulezero", "prediction", "x", name) for name in names[:2]]
    assert marks[0].text.splitlines() == [
        names[0],
        "loads: predicted 2, measured 2.2, within 1.5 to 2.5",
        "age: predicted 2, measured 2.2, OUTSIDE 1.5 to 2.5",
    ]
    assert "measured -, not measured, 1.5 to 2.5" in marks[1].text
    assert marks[1].start_s == marks[1].end_s == BEGAN_S + 60 + record.manifest["windows"][-1][2]


@pytest.mark.parametrize(
    "address", [None, 7, "", "javascript:alert(1)", "http://a>\n# b", "http://127.0.0.1:3000/<script>", "ftp://a"]
)
def test_without_an_address_there_is_no_link(record: Record, address: Any) -> None:
    """Neither from a record of old, nor from one that somebody has spoilt."""
    changed = shown(record, grafana=address)
    assert grafana_links(changed.manifest) == []
    assert "/d/bench-" not in render_html(changed) + render_markdown(changed)


def test_an_arm_that_never_began_has_no_link(record: Record) -> None:
    """The run was interrupted before."""
    manifest = shown(record).manifest
    begun = grafana_links({**manifest, "arms": [manifest["arms"][0], {"name": "all"}]})
    assert [name for name, _ in begun] == [WHOLE_RUN, manifest["arms"][0]["name"]]
    assert begun[1:] == grafana_links(manifest)[1:2]
    assert grafana_links({**manifest, "arms": [{"name": "all"}]}) == []
