"""A board as one picture, from the same queries as in Grafana: to look at before anyone opens it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import vl_convert

from dashboards.drawing import cards, charts
from dashboards.drawing.charts import Drawn, Marks
from dashboards.drawing.png import packed
from dashboards.drawing.style import (
    CARD,
    FAINT,
    GRID,
    PAPER,
    box,
    colours,
    fits,
    label,
    unit_text,
    width_of,
)
from dashboards.layout import Place, placed
from dashboards.model import COLUMNS, Board, Panel, Query
from dashboards.panels import ribbon
from dashboards.prometheus_api import Prometheus, Series, Span, filled, named, windowed
from dashboards.queries import users

WIDTH = 1600
_UNIT = WIDTH / COLUMNS
_ROW, _GAP, _HEAD, _TITLE = 30.0, 8.0, 78.0, 30.0
_LEGEND_ROW, _LEGEND_ROWS_MAX, _LEGEND_SIZE = 16.0, 2, 11.0
_STATE_ROW = 13.0
_TRACES = "Grafana asks Tempo for this:"


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn board; `told` says in one line what is on it, `empty` names the panels that should have data."""

    png: bytes
    told: str
    empty: tuple[str, ...]


def picture(board: Board, prometheus: Prometheus, span: Span) -> Picture:
    """Return the board as drawn from what Prometheus has of a range.

    Raises:
        NoAnswer: Prometheus is not there, or refuses a query.

    """
    marks = _marks(prometheus, span)
    places = [*placed(ribbon()), *placed(board.panels, below=ribbon()[0].height)]
    parts, empty, quiet = [_heading(board, span)], [], 0
    for place in places:
        panel = place.panel
        answers = [] if panel.kind == "traces" else prometheus.answers(board, panel, span)
        if panel.kind != "traces" and not any(answers):
            quiet += 1
            empty += [] if panel.quiet else [filled(panel.title, board, span)]
        parts.append(_placed(board, place, answers, span, marks))
    height = _HEAD + max(place.y + place.height for place in places) * _ROW + _GAP
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}"'
        f' viewBox="0 0 {WIDTH} {height:.0f}">{box(0, 0, WIDTH, height, PAPER)}{"".join(parts)}</svg>'
    )
    counted = sum(place.panel.kind != "traces" for place in places)
    missing = f"; NO DATA in: {', '.join(empty)}" if empty else ""
    told = f"{counted - quiet} of {counted} panels have data{missing}"
    return Picture(packed(vl_convert.svg_to_png(svg, scale=1)), told, tuple(empty))


def _heading(board: Board, span: Span) -> str:
    began = datetime.fromtimestamp(span.start_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    chosen = "".join(f" · {one.label}: {one.shown}" for one in board.variables)
    return (
        label(12, 26, f"{board.title}: {board.question}", size=19, bold=True)
        + label(WIDTH - 12, 26, f"{span.length_s:.0f} s from {began}{chosen}", colour=FAINT, anchor="end")
        + "".join(
            label(12, 48 + 18 * index, line, size=12.5, colour=FAINT) for index, line in enumerate(_wrapped(board.look))
        )
    )


def _wrapped(text: str) -> list[str]:
    first, sentence, rest = text.partition(". ")
    return [first + sentence.strip(), rest] if rest else [text]


def _placed(board: Board, place: Place, answers: Sequence[Sequence[Series]], span: Span, marks: Marks) -> str:
    panel = place.panel
    x, y = place.x * _UNIT + _GAP / 2, _HEAD + place.y * _ROW
    width, height = place.width * _UNIT - _GAP, place.height * _ROW - _GAP
    unit = unit_text(panel.unit)
    title = filled(panel.title, board, span)
    head = label(10, 20, fits(title, width - 90, 13), size=13, bold=True)
    if unit and panel.kind not in ("stat", "bars", "graph"):
        head += label(width - 10, 20, unit, size=11, colour=FAINT, anchor="end")
    size = (width - 16, height - _TITLE - 6)
    if panel.kind == "traces":
        body = cards.elsewhere(_TRACES, filled(panel.queries[0].expr, board, span), size)
    else:
        body = _body(panel, answers, span, marks, size)
    return (
        f'<g transform="translate({x:.1f},{y:.1f})">{box(0, 0, width, height, CARD, stroke=GRID)}{head}'
        f'<g transform="translate(8,{_TITLE})">{body}</g></g>'
    )


def _body(
    panel: Panel, answers: Sequence[Sequence[Series]], span: Span, marks: Marks, size: tuple[float, float]
) -> str:
    if not any(answers):
        return cards.nothing(panel.quiet, size)
    pairs = [
        (query, named(query, one), one) for query, answer in zip(panel.queries, answers, strict=True) for one in answer
    ]
    values = [(name, one.last) for _, name, one in pairs]
    match panel.kind:
        case "stat":
            return cards.numbers(panel, values, size)
        case "bars":
            return cards.lengths(panel, values, size)
        case "table":
            return cards.rows(panel, answers, size)
        case "graph":
            return cards.calls(panel, answers[0], size)
        case "heat":
            return charts.spread(panel, answers[0], span, marks, size)
        case "scatter":
            names = (panel.queries[0].legend, panel.queries[1].legend)
            return charts.against(panel, answers[0][0], answers[1][0], names, size) if all(answers) else ""
    drawn = _looks(panel, pairs)
    if panel.kind == "timeline":
        return _states(panel, drawn, span, size)
    legend, used = _legend(drawn, size)
    chart = charts.over_time(panel, drawn, span, marks, (size[0], size[1] - used))
    return chart + legend


def _states(panel: Panel, drawn: Sequence[Drawn], span: Span, size: tuple[float, float]) -> str:
    """Return as many rows as can be read, and how many there are besides."""
    room = int((size[1] - _LEGEND_ROW) / _STATE_ROW)
    if len(drawn) <= room:
        return charts.states(panel, drawn, span, size)
    # What changed earliest is what the picture is about.
    drawn = sorted(drawn, key=_first_s)
    rest = label(size[0] - 4, size[1] - 2, f"+{len(drawn) - room + 1}", size=_LEGEND_SIZE, anchor="end")
    return charts.states(panel, drawn[: room - 1], span, (size[0], size[1] - _STATE_ROW)) + rest


def _first_s(drawn: Drawn) -> float:
    return next((at_s for at_s, value in drawn.series.points if value), math.inf)


def _looks(panel: Panel, pairs: Sequence[tuple[Query, str, Series]]) -> list[Drawn]:
    found = colours([(query, name) for query, name, _ in pairs], by_meaning=panel.kind == "stack")
    return [
        Drawn(
            series=one, name=name, colour=colour, dashed=query.role in ("limit", "prediction"),
            stacked=panel.kind == "stack" and query.role == "measured",
        )
        for (query, name, one), colour in zip(pairs, found, strict=True)
    ]  # fmt: skip


def _legend(drawn: Sequence[Drawn], size: tuple[float, float]) -> tuple[str, float]:
    """Return the legend at the bottom of a panel, in as many rows as there is room for, and its height."""
    parts: list[tuple[float, int, Drawn | None, str]] = []
    x, row = 4.0, 0
    for index, one in enumerate(drawn):
        wide = 24 + width_of(one.name, _LEGEND_SIZE)
        if x + wide > size[0] - 40:
            if row + 1 == _LEGEND_ROWS_MAX:
                parts.append((x, row, None, f"+{len(drawn) - index}"))
                break
            x, row = 4.0, row + 1
        parts.append((x, row, one, one.name))
        x += wide
    height = (row + 1) * _LEGEND_ROW
    top = size[1] - height
    text = ""
    for at, line, series, name in parts:
        y = top + line * _LEGEND_ROW + 11
        if series is not None:
            dash = ' stroke-dasharray="4 3"' if series.dashed else ""
            text += (
                f'<line x1="{at:.0f}" y1="{y - 4:.0f}" x2="{at + 13:.0f}" y2="{y - 4:.0f}"'
                f' stroke="{series.colour}" stroke-width="3"{dash}/>'
            )
        text += label(at + 17, y, name, size=_LEGEND_SIZE)
    return text, height + 2


def _marks(prometheus: Prometheus, span: Span) -> Marks:
    marks = prometheus.over(windowed(users.FAULT_MARKS, span), span)
    faults = [stretch[:2] for series in marks for stretch in charts.stretches(series, span)]
    arms = [charts.stretches(series, span)[0][0] for series in prometheus.over(users.ARM_MARKS, span) if series.points]
    return Marks(faults=tuple(sorted(set(faults))), arms=tuple(sorted(arms)))
