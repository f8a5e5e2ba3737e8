"""docs/price.md quotes the price list that is kept beside it, as it is printed."""

import json
from pathlib import Path

from rulezero.report.price import table

DOCS = Path(__file__).parents[2] / "docs"
MARKER = "<!-- prices: printed by `rulezero price --table docs/records/no_fault_price` -->"
END = "<!-- end of prices -->"


def test_the_table_is_of_the_record_that_is_kept() -> None:
    """Between its markers stands what the command prints, with when and where it was measured."""
    text = (DOCS / "price.md").read_text(encoding="utf-8")
    assert text.count(MARKER) == text.count(END) == 1
    quoted = text.partition(MARKER)[2].partition(END)[0].strip()
    assert quoted == table(json.loads((DOCS / "records/no_fault_price/price.json").read_bytes())).strip()
