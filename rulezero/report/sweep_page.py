"""The vulnerability map of a sweep: as one HTML file that opens offline, and as a picture that stands by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from rulezero.report import sweep as words
from rulezero.report.charts.style import Stroke
from rulezero.report.charts.vulnerability import Look, borders_of, states_of, vulnerability_map
from rulezero.report.html import environment, library
from rulezero.report.picture import MARGIN, WIDTH, chart_svg, in_light, swaps, text_lines

_TITLE_LETTERS, _LETTERS = 78, 118
_LETTER = 6.6
_SWATCH, _LINE = 24, 44  # In pixels: what a sample of a colour and of a line take.
_LEGEND_STEP = 22
_BELOW = 80


def render_sweep(sweep: Mapping[str, Any]) -> str:
    """Return the page of sweep.json."""
    figure = vulnerability_map(sweep)
    return (
        environment()
        .get_template("sweep.html.jinja")
        .render(
            sweep=sweep,
            figure=figure,
            states=states_of(sweep),
            borders=borders_of(sweep),
            wrong=_is_wrong(sweep),
            heads=words.heads(sweep),
            rows=words.rows(sweep),
            terms=words.TERMS,
            invalid=words.invalid_lines(sweep),
            measured_by=words.measured_by(sweep),
            specs={figure.key: figure.spec},
            library=library(),
        )
    )


def sweep_svg(sweep: Mapping[str, Any]) -> str:
    """Return the map with its title and its legend."""
    figure = vulnerability_map(sweep)
    height = figure.spec["height"]
    titles = text_lines(_title(sweep), _TITLE_LETTERS, start=40, step=27)
    told = text_lines(sweep["summary"], _LETTERS, start=titles[-1]["y"] + 27, step=20)
    entries = _legend(states_of(sweep), borders_of(sweep), wrong=_is_wrong(sweep), top=told[-1]["y"] + 30)
    chart_y = entries[-1]["y"] + 14
    text = (
        environment()
        .get_template("sweep.svg.jinja")
        .render(
            width=WIDTH, height=chart_y + height + _BELOW, margin=MARGIN, title=_title(sweep), summary=sweep["summary"],
            titles=titles, told=told, entries=entries, chart_y=chart_y, chart=chart_svg(figure, height),
            source=words.measured_by(sweep), swaps=swaps(),
        )
    )  # fmt: skip
    return in_light(text)


def _title(sweep: Mapping[str, Any]) -> str:
    across, *more = (axis["name"] for axis in sweep["vary"])
    over = f"{across} and {more[0]}" if more else across
    return f"{sweep['experiment']} with {sweep['arm']}, {words.seeds(sweep)}: what a fault leaves behind, by {over}"


def _is_wrong(sweep: Mapping[str, Any]) -> bool:
    return any(point["as_predicted"] is False for point in sweep["points"])


def _legend(
    states: Sequence[Look], borders: Sequence[tuple[str, Stroke]], *, wrong: bool, top: int
) -> list[dict[str, Any]]:
    """Return the entries with their places, broken into as many lines as they need."""
    entries: list[dict[str, Any]] = [{"label": look.label, "look": look} for look in states]
    entries += [{"label": label, "stroke": stroke} for label, stroke in borders]
    entries += [{"label": "thick edge: not as predicted", "wrong": True}] if wrong else []
    x, y = MARGIN, top
    for entry in entries:
        sample = _LINE if "stroke" in entry else _SWATCH
        length = round(sample + _LETTER * len(entry["label"]) + 18)
        if x > MARGIN and x + length > WIDTH - MARGIN:
            x, y = MARGIN, y + _LEGEND_STEP
        entry.update(x=x, y=y, text_x=x + sample)
        x += length
    return entries
