"""What the terminal shows: `LiveProgress` during a run, and its verdict as a table of the arms and in words.

Rich drops colour by itself where the output is no terminal; nothing here needs colour to be understood.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rulezero.experiment import MEASURED
from rulezero.report.inside import inside_table
from rulezero.report.live import LiveProgress
from rulezero.report.states import MONTH, STATE, state_note, state_table, state_text
from rulezero.report.tables import ArmRow, arm_rows, prediction_rows, unexercised
from rulezero.report.words import MISSING, budget_text, verdict_word

__all__ = ["LiveProgress", "print_result"]

TABLE_WIDTH_MIN = 72
_BREAKS = re.compile(r" (?=\(|after|at once|hold|timeouts)")


def print_result(verdict: Mapping[str, Any], console: Console, *, report: Path | None = None) -> None:
    """Print one experiment's result; `report` is the path of its HTML."""
    console.print()
    console.print(f"[bold]{escape(str(verdict.get('experiment', 'record')))}[/]: {escape(verdict.get('question', ''))}")
    if verdict.get("harm"):
        console.print(f"[bold red]{escape(verdict['harm'])}[/]")
    rows = arm_rows(verdict)
    if console.width >= TABLE_WIDTH_MIN and rows:
        console.print(_table(rows, verdict.get("yardstick")))
    else:
        _print_list(rows, console, verdict.get("yardstick"))
    for row in rows:
        if row.origin_loads != MISSING:
            console.print(f"{escape(row.name)}: loads at the origin: {row.origin_loads}", highlight=False)
    for line in unexercised(verdict):
        console.print(escape(line))
    _print_states(verdict, console)
    _print_inside(verdict, console)
    _print_predictions(verdict, console)
    _print_verdict(verdict, console)
    if report is not None:
        # A path that is broken over two lines cannot be clicked or copied.
        console.print(f"report: {escape(str(report))}", soft_wrap=True)


def _table(rows: Sequence[ArmRow], yardstick: str | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("arm", style="bold", overflow="fold", min_width=9)
    for phase in MEASURED:
        table.add_column(f"{phase}\ngood/s", justify="right", no_wrap=True)
    table.add_column("failed\nin fault", justify="right", no_wrap=True)
    table.add_column("recovery", justify="right", min_width=9)
    if yardstick:
        table.add_column(escape(yardstick), justify="right")
    table.add_column("effect")
    for row in rows:
        goodput = [f"{row.goodput[phase]}{_kept(row, phase)}" for phase in MEASURED]
        value = [row.yardstick] if yardstick else []
        table.add_row(escape(row.name), *goodput, row.failed, row.recovery, *value, escape(row.effect))
    return table


def _kept(row: ArmRow, phase: str) -> str:
    return "" if phase == "baseline" or row.kept[phase] == MISSING else f"\n{row.kept[phase]}"


def _print_list(rows: Sequence[ArmRow], console: Console, yardstick: str | None) -> None:
    """Say in lines what does not fit as a table."""
    for row in rows:
        goodput = ", ".join(f"{row.goodput[phase]} {phase}" for phase in MEASURED)
        console.print(
            f"[bold]{escape(row.name)}[/] ({escape(row.effect)}): good/s {goodput}; {row.failed} failed in the fault; "
            f"recovery {row.recovery}{f'; {escape(yardstick)}: {row.yardstick}' if yardstick else ''}"
        )


def _print_states(verdict: Mapping[str, Any], console: Console) -> None:
    """Say how each arm stood after the fault, and what it burnt of the error budget."""
    states = state_table(verdict)
    if not states.rows:
        return
    if console.width < TABLE_WIDTH_MIN:
        for arm in verdict["arms"]:
            told = [state_text(arm), *([budget_text(arm["budget"])] if arm.get("budget") else [])]
            console.print(f"[bold]{escape(arm['name'])}[/]: {escape('; '.join(told))}", highlight=False)
        return
    shown = [place for place, head in enumerate(states.heads) if head != MONTH]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("arm", style="bold", overflow="fold")
    for place in shown:
        justify: Literal["left", "right"] = "left" if states.heads[place] == STATE else "right"
        head = states.heads[place].replace(" ", "\n", 1)
        table.add_column(head, justify=justify, no_wrap=True, overflow="fold")
    for arm, cells in states.rows:
        table.add_row(escape(arm), *(escape(_broken(cells[place])) for place in shown))
    console.print(table)
    console.print(state_note(verdict), style="dim", highlight=False)


def _broken(cell: str) -> str:
    """Return a cell over two lines, where it would be too wide for a table beside others."""
    return _BREAKS.sub(r"\n", cell)


def _print_predictions(verdict: Mapping[str, Any], console: Console) -> None:
    rows = prediction_rows(verdict)
    if rows:
        console.print("predicted beside measured:")
    for row in rows:
        ratio = "" if row.ratio == MISSING else f" ({row.ratio})"
        mark = {"yes": "accepted", "no": "[bold red]OUTSIDE[/]"}.get(row.within, "[bold]NOT MEASURED[/], accepted")
        console.print(
            f"  [bold]{escape(row.arm)}[/]: {escape(row.name)}: predicted {row.predicted}, "
            f"measured {row.measured}{ratio}, {mark} {row.accepted}",
            highlight=False,
        )


def _print_inside(verdict: Mapping[str, Any], console: Console) -> None:
    """Say in lines what is a wide table elsewhere."""
    table = inside_table(verdict)
    if table.rows:
        console.print("inside the system:")
    for arm, cells in table.rows:
        told = [f"{head} {cell}" for head, cell in zip(table.heads, cells, strict=True) if cell != MISSING]
        console.print(f"  [bold]{escape(arm)}[/]: {escape('; '.join(told)) or MISSING}", highlight=False)


def _print_verdict(verdict: Mapping[str, Any], console: Console) -> None:
    if not verdict.get("valid", False):
        console.print("[bold red]INVALID RUN[/]: nothing can be concluded from it, because")
        for reason in verdict.get("invalid_reasons") or ["the record has no verdict"]:
            console.print(f"  - {escape(reason)}")
        return
    console.print(f"[bold]{verdict_word(verdict)}[/]")
    console.print(escape(verdict.get("summary", "")))
    for check in verdict.get("checks", ()):
        if not check["held"]:
            console.print(f"  - did not hold: {escape(check['text'])}")
