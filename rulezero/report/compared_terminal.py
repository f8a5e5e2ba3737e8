"""A series of pairs on the terminal: the verdict first, then its tables. Nothing needs colour to be understood."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Drawn

from rulezero.report.compared_page import Table, Told

TABLE_WIDTH_MIN = 72


def print_told(told: Told, console: Console, *, report: Path) -> None:
    """Print it; `report` is the path of its longest form."""
    console.print()
    for place, line in enumerate(told.lines):
        console.print(line, style="bold" if place == 0 else None, markup=False, highlight=False, soft_wrap=True)
    for table in told.tables:
        if table.rows:
            console.print(f"\n{table.title}", markup=False, highlight=False)
            _print(table, console)
    for note in told.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    # A path that is broken over two lines cannot be clicked or copied.
    console.print(f"report: {report}", markup=False, highlight=False, soft_wrap=True)


def _print(table: Table, console: Console) -> None:
    if console.width < TABLE_WIDTH_MIN:
        for row in table.rows:
            told = [f"{head} {cell}" for head, cell in zip(table.heads[1:], row[1:], strict=True) if cell]
            console.print(f"{row[0]}: {'; '.join(told)}", markup=False, highlight=False)
        return
    drawn = Drawn(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(table.heads):
        drawn.add_column(
            escape(head), style="bold" if place == 0 else "", overflow="fold", min_width=0 if place else 10
        )
    for row in table.rows:
        drawn.add_row(*(escape(cell) for cell in row))
    console.print(drawn)
