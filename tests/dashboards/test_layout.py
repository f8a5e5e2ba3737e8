"""Where panels lie."""

import pytest

from dashboards.layout import placed
from dashboards.model import Panel, Query


def panel(title: str, width: int, height: int = 8) -> Panel:
    query = Query(expr="up")
    return Panel(kind="lines", title=title, description="", unit="none", queries=(query,), width=width, height=height)


def test_rows_are_filled_and_wrap() -> None:
    """The next row begins below the tallest panel of the one before."""
    places = list(placed([panel("a", 12, 5), panel("b", 12, 9), panel("c", 16), panel("d", 9)], below=3, first=7))
    assert [(place.number, place.x, place.y) for place in places] == [(7, 0, 3), (8, 12, 3), (9, 0, 12), (10, 0, 20)]


@pytest.mark.parametrize("width", [0, 25])
def test_what_does_not_fit_is_refused(width: int) -> None:
    """Grafana would draw it over its neighbours."""
    with pytest.raises(ValueError, match="columns wide"):
        list(placed([panel("too wide", width)]))
