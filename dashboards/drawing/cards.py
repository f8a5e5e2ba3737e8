"""Panels without a time axis: numbers, bars, tables, who calls whom, and the empty panel."""

from collections.abc import Mapping, Sequence

from dashboards.drawing.style import CARD, FAINT, GRID, INK, box, fits, label, shown
from dashboards.model import BAD, OFFERED, QUIET, Panel
from dashboards.prometheus_api import Series

_ROW = 24.0
_BAR = 20.0


def numbers(panel: Panel, named: Sequence[tuple[str, float]], size: tuple[float, float]) -> str:
    """Return a tile for each number, in the colour of its step."""
    width, height = size
    each = height / max(1, len(named))
    parts = []
    for index, (name, value) in enumerate(named):
        y = index * each
        parts.append(box(0, y, width, each - 4, _step_colour(panel, value), round_px=3))
        large = min(30.0, each * 0.42)
        parts.append(label(10, y + each / 2 + large / 3, shown(value, panel.unit), size=large, colour=CARD, bold=True))
        room = width * 0.55
        parts.append(label(width - 8, y + each - 12, fits(name, room, 11), size=11, colour=CARD, anchor="end"))
    return "".join(parts)


def lengths(panel: Panel, named: Sequence[tuple[str, float]], size: tuple[float, float]) -> str:
    """Return a bar for each value, the longest as long as the panel."""
    width, height = size
    top = panel.highest or max((value for _, value in named), default=0.0) or 1.0
    each = min(34.0, height / max(1, len(named)))
    room = width * 0.34
    parts = []
    for index, (name, value) in enumerate(named):
        y = index * each + (each - _BAR) / 2
        full = width - room - 78
        parts.append(label(room - 8, y + 14, fits(name, room - 8, 11.5), size=11.5, anchor="end"))
        parts.append(box(room, y, full, _BAR, "#eef0f2"))
        parts.append(box(room, y, full * min(1.0, value / top), _BAR, OFFERED))
        parts.append(label(width - 6, y + 14, shown(value, panel.unit), size=11.5, anchor="end", bold=True))
    return "".join(parts)


def rows(panel: Panel, answers: Sequence[Sequence[Series]], size: tuple[float, float]) -> str:
    """Return a table: a row for each set of the labels that tell rows apart, a column for each query."""
    width, height = size
    found: dict[tuple[str, ...], dict[int, float]] = {}
    for index, answer in enumerate(answers):
        for series in answer:
            key = tuple(series.labels.get(name, "") for name in panel.row_labels)
            found.setdefault(key, {})[index] = series.last
    headings = [*panel.row_labels, *(query.legend for query in panel.queries)]
    column = width / len(headings)
    parts = [box(0, 0, width, _ROW, "#eef0f2")]
    parts += [label(index * column + 8, 16, text, size=11.5, bold=True) for index, text in enumerate(headings)]
    room = int((height - _ROW) / _ROW)
    for row, (key, values) in enumerate(list(found.items())[:room], 1):
        cells = [*key, *(_cell(values.get(index)) for index in range(len(panel.queries)))]
        y = row * _ROW
        parts += [
            label(index * column + 8, y + 16, fits(text, column, 11.5), size=11.5) for index, text in enumerate(cells)
        ]
        parts.append(box(0, y + _ROW - 1, width, 1, GRID))
    if len(found) > room:
        parts.append(label(width - 8, height - 2, f"and {len(found) - room} rows more", colour=FAINT, anchor="end"))
    return "".join(parts)


def calls(panel: Panel, edges: Sequence[Series], size: tuple[float, float]) -> str:
    """Return who calls whom, callers left of the called, with the rate on each line."""
    rates = {(one.labels["source"], one.labels["target"]): one.last for one in edges if one.last > 0}
    places = _places(rates, size)
    highest = max(rates.values(), default=1.0)
    parts = []
    for (source, target), rate in sorted(rates.items()):
        (x1, y1), (x2, y2) = places[source], places[target]
        thick = 1 + 4 * rate / highest
        parts.append(
            f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{QUIET}"'
            f' stroke-width="{thick:.1f}" stroke-opacity="0.6"/>'
        )
    for (source, target), rate in sorted(rates.items()):
        (x1, y1), (x2, y2) = places[source], places[target]
        others = sorted(caller for caller, called in rates if called == target)
        along = 0.35 + 0.3 * (others.index(source) + 0.5) / len(others)
        x, y, text = x1 + (x2 - x1) * along, y1 + (y2 - y1) * along, shown(rate, panel.unit)
        parts += [box(x - 26, y - 9, 52, 16, CARD), label(x, y + 4, text, size=11, anchor="middle")]
    for name, (x, y) in places.items():
        parts += [
            box(x - 46, y - 14, 92, 28, "#e8f0fb", stroke=OFFERED, round_px=14),
            label(x, y + 4, name, anchor="middle"),
        ]
    return "".join(parts)


def nothing(reason: str, size: tuple[float, float]) -> str:
    """Return a panel without data; without a reason why that may be, in red."""
    width, height = size
    text, colour = (f"No data: {reason}", FAINT) if reason else ("NO DATA", BAD)
    size_px = 11.5 if reason else 20
    return label(width / 2, height / 2, fits(text, width, size_px), size=size_px, colour=colour, anchor="middle")


def elsewhere(text: str, query: str, size: tuple[float, float]) -> str:
    """Return a panel that only Grafana can fill."""
    width, height = size
    return label(width / 2, height / 2 - 8, text, colour=FAINT, anchor="middle") + label(
        width / 2, height / 2 + 14, fits(query, width, 11), size=11, colour=INK, anchor="middle"
    )


def _places(rates: Mapping[tuple[str, str], float], size: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """Return where each node lies: in the column after its furthest caller's, near the rows of its callers."""
    columns = _columns(rates)
    width, height = size
    across = (width - 120) / max(1, len(columns) - 1)
    places: dict[str, tuple[float, float]] = {}
    for column, names in enumerate(columns):
        callers = {name: [places[one][1] for one, other in rates if other == name and one in places] for name in names}
        order = sorted(names, key=lambda name: (sum(callers[name]) / max(1, len(callers[name])), name))
        for row, name in enumerate(order):
            places[name] = (60 + column * across, height * (row + 0.5) / len(order))
    return places


def _columns(rates: Mapping[tuple[str, str], float]) -> list[list[str]]:
    depth = {name: 0 for edge in rates for name in edge}
    for _ in depth:  # The longest way has no more steps than there are nodes.
        for source, target in rates:
            depth[target] = min(max(depth[target], depth[source] + 1), len(depth))
    called = {target for _, target in rates}
    for name in set(depth) - called:  # Who is called by nobody stands beside those who call the same.
        depth[name] = min(depth[target] for source, target in rates if source == name) - 1
    return [[name for name in sorted(depth) if depth[name] == step] for step in sorted(set(depth.values()))]


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _step_colour(panel: Panel, value: float) -> str:
    colour = QUIET
    for start, step in panel.steps:
        if start is None or value >= start:
            colour = step
    return colour
