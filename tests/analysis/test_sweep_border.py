"""Borders: where a prediction changes."""

import pytest

from rulezero.analysis.sweep_border import border, crossings


def test_a_straight_border_is_one_line() -> None:
    """From one end of the map to the other, at its place."""
    (line,) = border(lambda x, _: x >= 0.5, (0.3, 0.95), (1, 10))
    assert {round(x, 5) for x, _ in line} == {0.5}
    assert sorted((line[0][1], line[-1][1])) == [1, 10]


def test_a_curved_border_lies_where_it_should() -> None:
    """Every place of it, and its places are in order."""
    (line,) = border(lambda x, y: x * y > 1, (0.1, 2), (0.5, 4))
    assert all(x * y == pytest.approx(1, abs=1e-4) for x, y in line)
    assert line == sorted(line) or line == sorted(line, reverse=True)


def test_an_island_is_closed() -> None:
    """One line that ends where it begins."""
    (line,) = border(lambda x, y: (x - 1) ** 2 + (y - 1) ** 2 < 0.5, (0, 2), (0, 2))
    assert line[0] == line[-1]


def test_two_borders_are_two_lines() -> None:
    """They are not joined."""
    assert len(border(lambda x, _: 0.2 < x < 0.8, (0, 1), (0, 1))) == 2


def test_where_nothing_changes_there_is_no_border() -> None:
    """Nor where there is no room for one."""
    assert border(lambda _, __: True, (0, 1), (0, 1)) == []
    assert border(lambda x, _: x > 0.5, (0, 1), (2, 2)) == []
    assert border(lambda x, _: x > 0.5, (1, 1), (0, 2)) == []


def test_crossings_of_a_row() -> None:
    """Each once, from the left."""
    assert crossings(lambda x: 0.25 < x < 0.75, 0, 1) == pytest.approx([0.25, 0.75], abs=1e-5)
    assert crossings(lambda _: False, 0, 1) == []
