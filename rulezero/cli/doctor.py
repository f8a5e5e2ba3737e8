"""rulezero doctor: whether this machine can run the lab, and what to do where it cannot."""

import argparse
import asyncio

from rich.table import Table

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.errors import EXIT_UNAVAILABLE

NAME = "doctor"
HELP = "check programs, ports, memory, cores and disk, and say what to do (exit: 0 all well, 69 something is lacking)"
EXAMPLE = "rulezero doctor"


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add no options."""


def execute(_: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.lab.doctor import examine

    findings = asyncio.run(examine(checkout.require_checkout()))
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        table.add_row("ok" if finding.ok else "NO", finding.name, finding.detail)
        if not finding.ok:
            table.add_row("", "", f"-> {finding.remedy}")
    new_console().print(table, highlight=False)
    return 0 if all(finding.ok for finding in findings) else EXIT_UNAVAILABLE
