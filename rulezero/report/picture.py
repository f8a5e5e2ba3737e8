"""The chart that shows a record's verdict as one picture that stands by itself: control against best arm.

The SVG has the light colours written out, for viewers that know no CSS variables, and swaps them where dark is
preferred; its background is its own, so it is legible on any page.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import vl_convert

from rulezero.errors import UsageProblem
from rulezero.record import Record
from rulezero.report.charts.frame import Figure
from rulezero.report.charts.palette import DARK, LIGHT
from rulezero.report.charts.style import Bar, Line
from rulezero.report.headline import comparison_of
from rulezero.report.html import environment
from rulezero.report.words import verdict_word

WIDTH = 880
MARGIN = 24
_CHART_HEIGHT = 300
_QUESTION_LETTERS, _VERDICT_LETTERS = 78, 118
_LETTER = 6.5
_PNG_SCALE = 2.0
_INVALID = "Invalid run: nothing can be concluded from it."


def picture_svg(record: Record) -> str:
    """Return the picture of a record.

    Raises:
        UsageProblem: Nothing was recorded that could be drawn.

    """
    figure = comparison_of(record)
    if figure is None:
        raise UsageProblem(f"{record.folder} holds no request to draw; name a record of a run that went through")
    verdict, manifest = record.verdict, record.manifest
    question = str(verdict.get("question") or manifest.get("question", ""))
    word = verdict_word(verdict) if verdict.get("valid") else _INVALID
    summary = str(verdict.get("summary", "")) if verdict.get("valid") else ""
    asked = text_lines(question, _QUESTION_LETTERS, start=40, step=27)
    told = text_lines(f"{word} {summary}", _VERDICT_LETTERS, start=asked[-1]["y"] + 27, step=20)
    legend_y = told[-1]["y"] + 30
    chart_y = legend_y + 12
    text = (
        environment()
        .get_template("picture.svg.jinja")
        .render(
            width=WIDTH, height=chart_y + _CHART_HEIGHT + 96, margin=MARGIN, question=question, verdict=word,
            summary=summary, question_lines=asked, verdict_lines=told, legend=_legend(figure.legend),
            legend_y=legend_y, chart_y=chart_y, chart=chart_svg(figure), source=_source(figure.title, manifest),
            swaps=swaps(),
        )
    )  # fmt: skip
    return in_light(text)


def picture_png(svg: str) -> bytes:
    """Return the picture in its light colours, at twice its size."""
    return vl_convert.svg_to_png(svg, scale=_PNG_SCALE)


def in_light(svg: str) -> str:
    """Return a drawing with the light colours written out for the names of the page's."""
    return re.sub(r"var\(--([a-z0-9-]+)\)", lambda found: LIGHT[found[1]], svg)


def swaps() -> list[tuple[str, str]]:
    """Return the light colours, each with the dark one that takes its place."""
    return [(light, DARK[name]) for name, light in LIGHT.items()]


def chart_svg(figure: Figure, height: int = _CHART_HEIGHT) -> str:
    """Return a figure as wide as a picture has room for."""
    spec = {**figure.spec, "width": WIDTH - 2 * MARGIN, "height": height}
    svg = vl_convert.vegalite_to_svg(orjson.dumps(spec, option=orjson.OPT_NON_STR_KEYS).decode())
    # Vega numbers its clip paths through the life of the process: the same record would not draw the same file.
    names = list(dict.fromkeys(re.findall(r"\bclip\d+\b", svg)))
    return re.sub(r"\bclip\d+\b", lambda found: f"clip-{names.index(found[0]) + 1}", svg)


def text_lines(text: str, letters: int, *, start: int, step: int) -> list[dict[str, Any]]:
    """Return text as lines of about the same length, each with its place."""
    count = max(1, -(-len(text) // letters))
    even = min(letters, len(text) // count + 8)
    return [{"text": line, "y": start + step * place} for place, line in enumerate(textwrap.wrap(text, even) or [""])]


def _legend(entries: Sequence[Line | Bar]) -> list[dict[str, Any]]:
    placed, x = [], float(MARGIN)
    for each in entries:
        if isinstance(each, Line):
            placed.append({"x": round(x), "label": each.label, "stroke": each.stroke})
            x += 60 + _LETTER * len(each.label)
    return placed


def _source(title: str, manifest: Mapping[str, Any]) -> str:
    """Say what is drawn and where it comes from."""
    experiment, seed = manifest.get("experiment", ""), manifest.get("seed", "")
    return f"{title}; the fault is hatched. One run of {experiment}, seed {seed}."
