"""rulezero report: verdict and reports of a record, made again without a rerun."""

import argparse
import sys
from pathlib import Path

import orjson

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.errors import EXIT_OF_VERDICT

NAME = "report"
HELP = "judge a record again and write its reports, without a rerun"
EXAMPLE = "rulezero report runs/20261122T120000-cascading_failure"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("record", type=Path, help="the folder of a record")
    parser.add_argument("--json", action="store_true", help="print verdict.json and nothing else")


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.cli.executing import conclude, draw
    from rulezero.record import read_record
    from rulezero.report.terminal import print_result

    record = read_record(arguments.record)
    record = conclude(record, checkout.load_experiment(str(record.manifest["experiment"])))
    verdict = record.verdict
    told = new_console(stderr=arguments.json)
    if record.manifest.get("definition") != checkout.fingerprint(str(record.manifest["experiment"])):
        told.print("note: the experiment's file or a toxic changed since this run; it is judged by today's")
    page = draw(record)
    if arguments.json:
        sys.stdout.write(orjson.dumps(verdict, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_result(verdict, told, report=page)
    return EXIT_OF_VERDICT[verdict["verdict"]]
