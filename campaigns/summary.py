"""What a campaign prints at its end: one table, and every finding in full."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

_PIPED_COLUMNS = 150


def open_console() -> Console:
    """Return where a campaign prints; a file gets lines long enough for the table."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_COLUMNS
    return console


def print_summary(
    console: Console, title: str, rows: Sequence[tuple[str, Mapping[str, int]]], findings: Sequence[str]
) -> None:
    """Print a row of counts for each name, their sums, and what was found."""
    columns = list(rows[0][1]) if rows else []
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for column in columns:
        table.add_column(column, justify="right")
    for name, counts in rows:
        table.add_row(name, *(str(counts[column]) for column in columns))
    table.add_section()
    table.add_row("all", *(str(sum(counts[column] for _, counts in rows)) for column in columns))
    console.print(table)
    for finding in findings:
        console.print(f"- {finding}", highlight=False, markup=False, soft_wrap=True)
