"""The page, the Markdown and the terminal's form of a series of pairs: whole, self-contained, and safe."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from rulezero.analysis.compared import compare
from rulezero.report.compared import charts, tell
from rulezero.report.compared_markdown import render_markdown
from rulezero.report.compared_page import Told, render_page
from rulezero.report.compared_pairs import pair_line
from rulezero.report.compared_terminal import print_told
from rulezero.series import Series
from tests.analysis.pair_series import CALM, entry, goodput, series, shifted

EVIL = "</script><img src=x onerror=alert(1)>|`[a]"


def made(treatment: str = "timeout") -> Series:
    bad = entry(1, {"none": {"goodput": 0.4}, treatment: {"goodput": 0.4}}, valid=False)
    return series(bad, *goodput(CALM, **{treatment: shifted(CALM, -0.3)}), treatments=[treatment])


def told(treatment: str = "timeout") -> Told:
    return tell(compare(made(treatment)))


def page(treatment: str = "timeout") -> str:
    return render_page(told(treatment), charts(compare(made(treatment))))


def printed(width: int, found: Told) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    print_told(found, console, report=Path("runs/a/report.html"))
    return console.export_text()


def test_the_page_begins_with_the_verdict() -> None:
    """Below the question, framed as what it is, before any table or chart."""
    html = page()
    order = [
        "<h1>Does timeout help in cascading_failure, against none?</h1>",
        '<div class="verdict refuted">',
        '<p class="word">timeout HARMS: goodput 10 % with it, 40 % with none: -30 points [',
        "<table>",
        'data-figure="pairs-0"',
    ]
    places = [html.index(text) for text in order]
    assert places == sorted(places)


def test_the_page_loads_nothing_and_has_every_chart() -> None:
    """A place for each figure, and its data in the page."""
    html = page()
    assert "default-src 'none'" in html
    body = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?(?!#)""", body)
    places = re.findall(r'data-figure="([^"]+)"', body)
    specs = re.search(r'<script type="application/json" id="specs">(.*?)</script>', html, re.DOTALL)
    assert specs is not None
    assert sorted(json.loads(specs[1])) == sorted(places) == ["pairs-0", "strip-0-0"]


def test_every_run_is_in_the_page() -> None:
    """The invalid one too, with its reason."""
    html = page()
    assert html.count("counts</td>") == 8
    assert "invalid: none: the control did not fail</td>" in html
    assert "rulezero ab cascading_failure</pre>" in html


def test_text_from_a_series_is_text() -> None:
    """In the page and in Markdown, whatever an arm is called."""
    assert "<img" not in re.sub(r"<script.*?</script>", "", page(EVIL), flags=re.DOTALL).replace("&lt;img", "")
    markdown = render_markdown(told(EVIL))
    assert not re.search(r"(?<!\\)<img", markdown)


def test_markdown_says_the_same() -> None:
    """Verdict in bold first, the table, the runs, how to do it again."""
    text = render_markdown(told())
    assert text.split("\n\n")[1].startswith("**timeout HARMS: goodput 10 % with it")
    assert r"| measure | none | timeout | difference \[low, high\] |  |" in text
    assert "| record-1 | pair 1 | 1 | none, timeout | invalid: none: the control did not fail |" in text
    assert "    rulezero ab cascading\\_failure" not in text
    assert "    rulezero ab cascading_failure" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_terminal_begins_with_the_verdict(width: int) -> None:
    """On one line however narrow it is, and the path of the report stays whole."""
    lines = [line for line in printed(width, told()).splitlines() if line]
    assert lines[0].startswith("timeout HARMS: goodput 10 % with it, 40 % with none: -30 points [")
    assert lines[-1] == "report: runs/a/report.html"
    assert any("harms (decides)" in line for line in lines) or width == 80


def test_an_arm_that_looks_like_markup_is_printed_as_it_is() -> None:
    """Rich's own markup in a name does nothing."""
    assert "[bold]x[/] HARMS" in printed(200, told("[bold]x[/]"))


def test_a_pair_in_a_line() -> None:
    """What decides by arm; of an invalid one why; of one without a value a dash."""
    found = made()
    assert pair_line(found.entries[0], found) == "pair 1 of 8, seed 1: invalid: none: the control did not fail"
    assert pair_line(found.entries[1], found) == "pair 1 of 8, seed 1: goodput: none 40 %, timeout 10.4 %"
    lacking = entry(2, {"none": {"goodput": 0.4}, "timeout": {}})
    assert pair_line(lacking, found) == "pair 2 of 8, seed 2: goodput: none 40 %, timeout -"
