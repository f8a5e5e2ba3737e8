"""Where each panel lies: left to right in rows, the next row where one is full. The SDK's own layout overflows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dashboards.model import COLUMNS, Panel


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A panel's rectangle on the grid, and its number on the board."""

    number: int
    x: int
    y: int
    width: int
    height: int
    panel: Panel


def placed(panels: Iterable[Panel], *, below: int = 0, first: int = 1) -> Iterator[Place]:
    """Yield the panels' places from the grid row `below` on, numbered from `first`.

    Raises:
        ValueError: A panel is wider than the grid.

    """
    x, y, tallest = 0, below, 0
    for number, panel in enumerate(panels, first):
        if not 0 < panel.width <= COLUMNS:
            raise ValueError(f"{panel.title} is {panel.width} columns wide; there are {COLUMNS}")
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield Place(number=number, x=x, y=y, width=panel.width, height=panel.height, panel=panel)
        x, tallest = x + panel.width, max(tallest, panel.height)
