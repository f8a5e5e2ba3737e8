"""rulezero list: the experiments, from their files."""

import argparse
import sys

from rich.table import Table

from rulezero import checkout
from rulezero.cli.output import new_console

NAME = "list"
HELP = "list the experiments, their arms and what they ask"
EXAMPLE = "rulezero list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--markdown", action="store_true", help="as the table in README.md")


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    if arguments.markdown:
        sys.stdout.write(markdown_table())
        return 0
    table = Table("experiment", "question", "arms", box=None, pad_edge=False)
    for name in checkout.experiment_names():
        experiment = checkout.load_experiment(name)
        table.add_row(name, experiment.question, ", ".join(arm.name for arm in experiment.arms))
    new_console().print(table)
    return 0


def markdown_table() -> str:
    """Return the table of experiments that README.md quotes."""
    lines = ["| experiment | question | prediction | arms |", "|---|---|---|---|"]
    for name in checkout.experiment_names():
        experiment = checkout.load_experiment(name)
        arms = ", ".join(arm.name for arm in experiment.arms)
        lines.append(f"| `{name}` | {experiment.question} | {experiment.prediction} | {arms} |")
    return "\n".join(lines) + "\n"
