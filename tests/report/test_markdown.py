"""A verdict as Markdown."""

from dataclasses import replace

import polars as pl

from rulezero.record import Record
from rulezero.report.markdown import render_markdown


def test_tables_have_as_many_cells_as_heads(record: Record) -> None:
    """Every row of a table is as wide as its head, or a pull request shows garbage."""
    blocks = render_markdown(record).split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) == 9
    for table in tables:
        assert len({line.count("|") for line in table}) == 1


def test_the_verdict_comes_first(record: Record) -> None:
    """The question, then the verdict, then figures."""
    text = render_markdown(record)
    assert text.index("hanging payment") < text.index("**Supported") < text.index("| none |")
    assert "| circuit\\_breaker | fault | 42 % |" in text


def test_an_invalid_run_states_no_verdict(record: Record) -> None:
    """Its reasons stand where the verdict would."""
    text = render_markdown(
        replace(record, verdict={**record.verdict, "valid": False, "invalid_reasons": ["2 scrapes missing"]})
    )
    assert "**INVALID RUN" in text
    assert "- 2 scrapes missing" in text
    assert "Supported" not in text
    assert "kept 100 %" not in text


def test_text_of_the_record_cannot_make_markup(record: Record) -> None:
    """Neither a table cell, nor HTML, nor a link."""
    text = render_markdown(replace(record, verdict={**record.verdict, "summary": "a | <b>b</b> [c](d)\n# e"}))
    assert "a \\| \\<b\\>b\\</b\\> \\[c\\](d) \\# e" in text


def test_an_empty_verdict_is_an_invalid_run(record: Record) -> None:
    """A record without figures still makes a page."""
    assert "INVALID RUN" in render_markdown(replace(record, verdict={}))


def test_it_says_what_the_page_says(record: Record) -> None:
    """Goodput in words, decisions, breakers, traces, validity, and the command."""
    text = render_markdown(record)
    assert "Good answers a second with none: " in text
    assert "| circuit\\_breaker | checkout to payment | 2 |" in text
    assert text.count("<details>") == text.count("</details>") == 3
    assert "| cores busy | 1.5 | 0.81 | 0.81 |" in text
    assert "    rulezero run cascading_failure --arms none,circuit_breaker --seed 1\n" in text


def test_what_never_decided_is_named(record: Record) -> None:
    """Below the arms."""
    assert "\n- circuit\\_breaker: on, but never decided anything: timeout\n" in render_markdown(record)


def test_a_prediction_has_its_ratio_and_range(record: Record) -> None:
    """Not the band as a share."""
    assert "| 1.6 | 1.71 | 1.07 x | 1.2 to 2 | yes |" in render_markdown(record)


def test_a_span_cannot_leave_its_block(record: Record) -> None:
    """A name with line breaks stays on its line, indented, and so is code."""
    evil = record.spans.with_columns(name=pl.lit("a\n\n<img src=x>"))
    text = render_markdown(replace(record, spans=evil))
    assert all(line.startswith("    ") for line in text.splitlines() if "<img" in line)
