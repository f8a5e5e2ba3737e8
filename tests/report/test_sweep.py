"""A sweep in words, as a page and as a picture."""

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rulezero.report.charts.palette import LIGHT
from rulezero.report.picture import WIDTH, picture_png
from rulezero.report.sweep import print_sweep, report
from rulezero.report.sweep_page import render_sweep, sweep_svg
from tests.report.sweeps import EVIL, point, sweep

DOCS = Path(__file__).parents[2] / "docs"


def printed(width: int, **changes: Any) -> str:
    file = io.StringIO()
    print_sweep(sweep(**changes), Console(file=file, width=width), page="runs/x/report.html")
    return file.getvalue()


def texts(svg: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))  # noqa: S314 - it was drawn here.


def words(text: ET.Element) -> str:
    return "".join(text.itertext())


def test_the_terminal_shows_the_map() -> None:
    """The second parameter goes up, as in the picture; what is not as predicted has a star."""
    told = printed(100)
    lines = told.splitlines()
    upper = next(number for number, line in enumerate(lines) if line.strip().startswith("10 "))
    lower = next(number for number, line in enumerate(lines) if line.strip().startswith("1 "))
    assert upper < lower
    assert "metastable *" in told
    assert "> 20 s" in told
    assert "* not as predicted" in told
    assert "runs/x/report.html" in told


def test_a_narrow_terminal_has_lines() -> None:
    """One for each point."""
    told = printed(30)
    assert "load 0.3, stall_s 1: recovered" in " ".join(told.split())


def test_markdown_has_every_point_and_why_it_is_invalid() -> None:
    """With the command that does it again; text from the record is escaped."""
    told = report(sweep(reasons=["the *worst* <b>\nsecond line"]))
    assert told.count("\n| 0.") == 4
    assert "| 0.3 | 1 | recovered | after 2.5 s | 3 s | yes |" in told
    assert "the \\*worst\\* \\<b\\>" in told
    assert "second line" not in told
    assert "    rulezero sweep storm" in told
    assert "![The map](map.svg)" in told


@pytest.mark.parametrize("draw", [render_sweep, sweep_svg])
def test_the_map_is_drawn_with_its_legend_and_its_borders(draw: Any) -> None:
    """States by words, two kinds of border, the title with arm and seeds."""
    told = draw(sweep())
    for word in ("one_retry", "metastable", "recovered", "thick edge: not as predicted", "beyond it, never back"):
        assert word in told


def test_the_picture_stands_by_itself() -> None:
    """Well-formed, without names of the page's colours, with the words of every field, and the same every time."""
    svg = sweep_svg(sweep())
    assert "var(--" not in svg
    told = [words(text) for text in texts(svg)]
    assert "after 2.5 s" in told
    assert "predicted never" in told
    assert any("seeds 1, 2" in text for text in told)
    assert svg == sweep_svg(sweep())
    assert picture_png(svg).startswith(b"\x89PNG")


def test_the_border_is_in_the_picture() -> None:
    """A line in ink at its place, between the columns that it parts."""
    svg = sweep_svg(sweep())
    without = sweep_svg(sweep(borders=[]))
    ink = f'stroke="{LIGHT["ink"]}"'
    assert svg.count(ink) > without.count(ink)
    assert "beyond it, never back" not in without


def test_legends_that_are_long_take_several_lines() -> None:
    """Nothing runs out of the picture."""
    states = ("robust", "recovered", "metastable", "undecided")
    svg = sweep_svg(sweep(points=[point(0.3 if n % 2 else 0.9, 1 if n < 2 else 10, s) for n, s in enumerate(states)]))
    entries = [text for text in texts(svg) if text.get("font-size") == "13"]
    assert len({one.get("y") for one in entries}) > 1
    assert all(float(one.get("x", "0")) + 6 * len(words(one)) < WIDTH for one in entries)


@pytest.mark.parametrize("draw", [render_sweep, sweep_svg])
def test_text_of_the_record_is_no_markup(draw: Any) -> None:
    """Whatever an experiment is called."""
    assert EVIL not in draw(sweep(experiment=EVIL, arm=EVIL, reasons=[EVIL]))


def test_the_map_in_the_docs_is_of_the_record_that_is_kept() -> None:
    """docs/sweep.svg is drawn from docs/records/retry_storm_sweep, as `rulezero report` draws it."""
    kept = json.loads((DOCS / "records/retry_storm_sweep/sweep.json").read_bytes())
    assert (DOCS / "sweep.svg").read_text(encoding="utf-8") == sweep_svg(kept)
