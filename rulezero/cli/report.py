"""rulezero report: verdict and reports of a record, made again without a rerun."""

import argparse
from pathlib import Path

from rich.console import Console

from rulezero import checkout
from rulezero.errors import EXIT_OF_VERDICT

NAME = "report"
HELP = "judge a record again and write its reports, without a rerun"
EXAMPLE = "rulezero report runs/20261122T120000-cascading_failure"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("record", type=Path, help="the folder of a record")


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.cli.executing import conclude, draw
    from rulezero.record import read_record
    from rulezero.report.terminal import print_result

    record = read_record(arguments.record)
    verdict = conclude(arguments.record, checkout.load_experiment(str(record.manifest["experiment"])))
    if record.manifest.get("definition") != checkout.fingerprint(str(record.manifest["experiment"])):
        Console().print("note: the experiment's file or a toxic changed since this run; it is judged by today's")
    print_result(verdict, Console(), report=draw(arguments.record))
    return EXIT_OF_VERDICT[verdict["verdict"]]
