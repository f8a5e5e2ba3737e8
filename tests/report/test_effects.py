"""Means and intervals as text."""

import pytest

from rulezero.report.effects import escaped, level, markdown_table, signed, with_interval

EFFECT = {"mean": 0.1234, "low": -0.05, "high": 0.3}


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "+0.5"), (-0.5, "-0.5"), (0.0, "0"), (0.00001, "0"), (None, "-"), (1234.0, "+1,234")]
)
def test_differences_have_a_sign(value: float | None, text: str) -> None:
    """Nothing has none."""
    assert signed(value) == text


def test_an_effect_is_told_with_its_range() -> None:
    """In its unit; a single round has no range, and what was not measured is a dash."""
    assert with_interval(EFFECT) == "+0.123 [-0.05, +0.3]"
    assert with_interval(EFFECT, 100) == "+12.3 [-5, +30]"
    assert with_interval({"mean": 1.0, "low": None, "high": None}) == "+1 [one round]"
    assert with_interval(None) == level(None) == "-"


def test_a_level_has_no_sign() -> None:
    """It is no difference."""
    assert level(EFFECT, 100) == "12.3 [-5, 30]"
    assert level({"mean": 0.5, "low": None, "high": None}) == "0.5 [one round]"


def test_tables_are_markdown() -> None:
    """Whatever a cell holds, once it is escaped."""
    table = markdown_table(["a", "b"], [["1", escaped("x|y_z\n<b>")]])
    assert table == "| a | b |\n| --- | --- |\n| 1 | x\\|y\\_z \\<b\\> |"
