"""A verdict on the terminal: a table of the arms, the verdict in words, where the report is.

Rich drops colour and boxes by itself where the output is no terminal.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rulezero.experiment import MEASURED
from rulezero.report.progress import LiveProgress
from rulezero.report.tables import ArmRow, arm_rows
from rulezero.report.words import MISSING, verdict_word

__all__ = ["LiveProgress", "print_result"]


def print_result(verdict: Mapping[str, Any], console: Console, *, report: Path | None = None) -> None:
    """Print one experiment's result; nothing of it needs colour to be understood."""
    console.print()
    console.print(f"[bold]{escape(str(verdict.get('experiment', 'record')))}[/]: {escape(verdict.get('question', ''))}")
    rows = arm_rows(verdict)
    if rows:
        console.print(_table(rows))
    for row in rows:
        if row.not_exercised:
            console.print(f"{escape(row.name)}: on, but never decided anything: {escape(row.not_exercised)}")
    _print_verdict(verdict, console)
    if report is not None:
        # A path that is broken over two lines cannot be clicked or copied.
        console.print(f"report: {escape(str(report))}", soft_wrap=True)


def _table(rows: list[ArmRow]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("arm", style="bold", overflow="fold")
    for phase in MEASURED:
        table.add_column(f"{phase}\ngood/s", justify="right", no_wrap=True)
    table.add_column("failed\nin fault", justify="right", no_wrap=True)
    table.add_column("recovery", justify="right")
    with_origin = any(row.origin_loads != MISSING for row in rows)
    if with_origin:
        table.add_column("loads at origin", overflow="fold")
    table.add_column("effect", overflow="fold")
    for row in rows:
        goodput = [f"{row.goodput[phase]}{_kept(row, phase)}" for phase in MEASURED]
        origin = [escape(row.origin_loads)] if with_origin else []
        table.add_row(escape(row.name), *goodput, row.failed, row.recovery, *origin, escape(row.effect))
    return table


def _kept(row: ArmRow, phase: str) -> str:
    return "" if phase == "baseline" or row.kept[phase] == MISSING else f"\n{row.kept[phase]}"


def _print_verdict(verdict: Mapping[str, Any], console: Console) -> None:
    if not verdict.get("valid", False):
        console.print("[bold red]INVALID RUN[/]: nothing can be concluded from it, because")
        for reason in verdict.get("invalid_reasons") or ["the record has no verdict"]:
            console.print(f"  - {escape(reason)}")
    else:
        console.print(f"[bold]{verdict_word(verdict)}[/]")
    if verdict.get("summary"):
        console.print(escape(verdict["summary"]))
    for check in verdict.get("checks", ()):
        if not check["held"]:
            console.print(f"  - did not hold: {escape(check['text'])}")
