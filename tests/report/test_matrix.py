"""A matrix on a terminal, in Markdown and as a page."""

import io

import pytest
from rich.console import Console

from rulezero.analysis.matrix import matrix
from rulezero.report.matrix import print_matrix, report
from rulezero.report.matrix_page import render_matrix
from tests.analysis.matrices import additive, series
from tests.report.test_html import Page, specs

FOUND = matrix(series(additive(timeout=0.6), rounds=3))
EMPTY = matrix(series(lambda _: None, rounds=1))
EVIL = "</script><b>|_x"


def test_the_report_has_the_arms_the_defences_and_the_pairs() -> None:
    """In points of goodput, with the sentence first."""
    text = report(FOUND)
    assert text.index("timeout carries the effect.") < text.index("| defence |")
    assert "| timeout\\_alone | timeout |" in text
    assert "points of goodput" in text
    assert "| timeout + deadline |" in text
    assert "3 of 3 rounds were valid, from seed 1." in text
    assert "    rulezero matrix sample" in text


def test_from_what_on_a_difference_is_called_is_told() -> None:
    """The floor and the margin are two things; without a measured floor both are what is notable."""
    told = "all of its range is beyond 5, and none when all of it is within 5; anything else is not clear"
    assert told in report(FOUND)
    noisy = report(matrix(series(additive(timeout=0.1), floor=0.15))).replace("\\", "")
    assert "is beyond 15, as `rulezero aa` measured here, and none when all of it is within 5;" in noisy
    row = next(line for line in noisy.splitlines() if line.startswith("| timeout |"))
    assert row.count("| not clear |") == 2
    assert "no difference" not in row


def test_an_invalid_round_is_told() -> None:
    """With its reason."""
    found = matrix(series(additive(), rounds=2, valid=False, reasons=["none: busy"]))
    assert "- round-2 is invalid: none: busy" in report(found)
    assert "round-2 is invalid: none: busy" in render_matrix(found)


def test_of_a_reason_only_the_first_line_is_told() -> None:
    """The rest is the end of a log, which the record has."""
    reasons = ["edge ended by itself (1): Traceback\n  File\nCatalogGoneError", "late"]
    found = matrix(series(additive(), rounds=2, valid=False, reasons=reasons))
    assert "- round-2 is invalid: edge ended by itself (1): Traceback; late\n" in report(found)
    assert "CatalogGoneError" not in render_matrix(found)


def test_a_yardstick_is_named() -> None:
    """And that differences are turned."""
    found = matrix(series(lambda on: 100.0 - 20 * len(on), yardstick="loads at the origin"))
    assert "### What each defence does, loads at the origin" in report(found)
    assert "less is better" in report(found)


@pytest.mark.parametrize("found", [FOUND, EMPTY])
def test_the_terminal_gets_the_sentence_and_the_tables(found: dict[str, object]) -> None:
    """Also of what was not measured."""
    console = Console(file=io.StringIO(), width=160)
    print_matrix(found, console, page="runs/x/report.html")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert str(found["summary"]) in text
    assert "timeout+deadline+retry" in text
    assert "report: runs/x/report.html" in text


def test_the_page_is_whole_and_loads_nothing() -> None:
    """Its heat map is inside it."""
    html = render_matrix(FOUND)
    page = Page(html)
    assert len(page.all("h1")) == 1
    assert set(specs(html)) == {"pairs"}
    assert not page.all("link")
    assert all(not attributes.get("src") for attributes in page.all("script"))


def test_the_page_of_nothing_says_so() -> None:
    """Without a chart."""
    html = render_matrix(EMPTY)
    assert "No pair was measured." in html
    assert specs(html) == {}


def test_text_of_a_series_is_no_markup() -> None:
    """Folders are copied and edited."""
    html = render_matrix({**FOUND, "question": EVIL, "reproduce": EVIL})
    assert EVIL not in html
    Page(html)
    assert EVIL not in report({**FOUND, "question": EVIL})
