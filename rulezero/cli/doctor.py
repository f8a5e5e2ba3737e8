"""rulezero doctor: whether this machine can run the lab, and what to do where it cannot."""

import argparse
import asyncio
from typing import TYPE_CHECKING

from rich.table import Table

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.cli.targets import COMPOSE, add_target
from rulezero.errors import EXIT_UNAVAILABLE

if TYPE_CHECKING:
    from rulezero.lab.doctor import Finding

NAME = "doctor"
HELP = "check programs, ports, memory, cores and disk, and say what to do (exit: 0 all well, 69 something is lacking)"
EXAMPLE = "rulezero doctor --target compose"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_target(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    findings = asyncio.run(_examine(arguments.target))
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        table.add_row("ok" if finding.ok else "NO", finding.name, finding.detail)
        if not finding.ok:
            table.add_row("", "", f"-> {finding.remedy}")
    new_console().print(table, highlight=False)
    return 0 if all(finding.ok for finding in findings) else EXIT_UNAVAILABLE


async def _examine(target: str) -> "list[Finding]":
    root = checkout.require_checkout()
    if target != COMPOSE:
        from rulezero.lab.doctor import examine

        return await examine(root)
    from rulezero.lab.compose_doctor import examine_compose
    from rulezero.lab.description import read_description

    return await examine_compose(read_description(root / checkout.SHOP, root))
