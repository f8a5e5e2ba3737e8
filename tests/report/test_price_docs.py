"""docs/price.md quotes a price list as it is printed, or none yet."""

from pathlib import Path

from rulezero.report.price import table
from tests.report.test_price import prices

PAGE = Path(__file__).parents[2] / "docs/price.md"
MARKER = "<!-- prices: printed by `rulezero price --table FOLDER` -->"
END = "<!-- end of prices -->"


def test_the_table_has_the_columns_of_today() -> None:
    """Between its markers stands a table as the command prints it, with when and where it was measured."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(MARKER) == text.count(END) == 1
    quoted = text.partition(MARKER)[2].partition(END)[0].strip().splitlines()
    printed = table(prices()).splitlines()
    assert quoted[:2] in ([], printed[:2])
    assert not quoted or quoted[-1].startswith("Measured ")
