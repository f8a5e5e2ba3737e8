"""A series of pairs as Markdown, to paste into a pull request: what its page says, without the charts."""

from rulezero.report.compared_page import Table, Told, machine, runs_table
from rulezero.report.effects import escaped, markdown_table


def render_markdown(told: Told) -> str:
    """Return what the page says; text from the series is escaped."""
    first, *others = told.lines
    blocks = [
        f"## rulezero {told.verb} {escaped(told.name)}",
        f"**{escaped(first)}**",
        "\n".join(f"- {escaped(line)}" for line in others),
        *(_table(table) for table in (*told.tables, runs_table(told)) if table.rows),
        "### How to read it, and how to reproduce it",
        " ".join(escaped(note) for note in told.notes),
        f"    {' '.join(told.reproduce.split())}",
        escaped(machine(told)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(table: Table) -> str:
    heads = [escaped(head) for head in table.heads]
    drawn = markdown_table(heads, [[escaped(cell) for cell in row] for row in table.rows])
    return "\n\n".join(part for part in (f"### {escaped(table.title)}", drawn, escaped(table.note)) if part)
