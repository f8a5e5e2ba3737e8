"""The chart that shows the verdict: goodput, or what the yardstick is about."""

from dataclasses import replace

import pytest

from rulezero.record import Record
from rulezero.report.headline import comparison_of
from rulezero.report.html import render_html
from rulezero.report.markdown import render_markdown
from rulezero.report.picture import picture_svg

ONE_LINK = {"edge-catalog": {"baseline": 1.0, "fault": 3.0, "hold": 1.0}}


def drawn_by(record: Record, chart: str) -> Record:
    measured = {"yardstick": "p99 in the fault, s", "chart": chart}
    arms = [{**arm, "yardstick": 1.0 + place} for place, arm in enumerate(record.verdict["arms"])]
    return replace(record, verdict={**record.verdict, **measured, "arms": arms})


@pytest.mark.parametrize(
    ("chart", "title", "label", "sentence"),
    [
        ("goodput", "Goodput over time, requests per second", "goodput of none (control)", "Good answers a second"),
        ("latency", "p99 of the good answers over time, ms", "p99 of none (control)", "p99 of the good answers with"),
        ("attempts", "Attempts on edge-catalog per request, over time", "attempts of none (control)", "Attempts on"),
    ],
)
def test_it_is_about_the_yardstick(record: Record, chart: str, title: str, label: str, sentence: str) -> None:
    """Its title, its lines, and the sentence for who cannot see it, in every form of the report."""
    told = drawn_by(record, chart)
    if chart == "attempts":
        arms = [{**arm, "attempts_per_request": ONE_LINK} for arm in told.verdict["arms"]]
        streams = [{**stream, "crosses": ["edge-catalog"]} for stream in told.manifest["streams"]]
        told = replace(
            told, verdict={**told.verdict, "arms": arms}, manifest={**told.manifest, "streams": streams}
        )  # fmt: skip
    figure = comparison_of(told)
    assert figure is not None
    assert figure.title == title
    assert label in [each.label for each in figure.legend]
    assert figure.summary.startswith(sentence)
    assert figure.summary.count("in the fault") == 2
    assert title in picture_svg(told)
    assert sentence in render_markdown(told)


@pytest.mark.parametrize("chart", ["latency", "attempts"])
def test_what_cannot_be_drawn_is_goodput(record: Record, chart: str) -> None:
    """No answer was good, and no link was counted: there still is a chart."""
    verdict = drawn_by(record, chart).verdict
    arms = [{**arm, "attempts_per_request": {}} for arm in verdict["arms"]]
    failed = record.rows.with_columns(outcome=record.rows["outcome"].str.replace("ok", "error"))
    figure = comparison_of(replace(record, rows=failed, verdict={**verdict, "arms": arms}))
    assert figure is not None
    assert figure.title.startswith("Goodput")


def test_the_arms_have_a_column_of_the_yardstick(record: Record) -> None:
    """Named as it is, in the page and in Markdown."""
    told = drawn_by(record, "latency")
    assert '<th scope="col" class="number">p99 in the fault, s</th>' in render_html(told)
    assert "| p99 in the fault, s | Against the control |" in render_markdown(told)
    assert "p99 in the fault, s" not in render_markdown(record)
