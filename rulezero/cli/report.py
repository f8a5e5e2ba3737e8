"""rulezero report: verdict and reports of a record or of a series, made again without a rerun."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from rulezero.cli import aa, ab, matrix, price, sweep
from rulezero.cli.output import new_console
from rulezero.errors import EXIT_OF_VERDICT, UsageProblem

NAME = "report"
HELP = "judge a record or a series again and write its reports, without a rerun"
EXAMPLE = "rulezero report runs/20261122T120000-cascading_failure"

# How the series of a verb is read, and how its reports are written and shown.
SERIES: Mapping[str, tuple[Callable[[Path], Any], Callable[..., int]]] = {
    ab.NAME: (ab.read, ab.show),
    aa.NAME: (aa.read, aa.show),
    matrix.NAME: (matrix.read, matrix.show),
    price.NAME: (price.read, price.show),
    sweep.NAME: (sweep.read, sweep.show),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("record", type=Path, help="the folder of a record or of a series")
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.cli.executing import conclude, draw
    from rulezero.cli.experiments import changed, recorded
    from rulezero.record import read_record
    from rulezero.report.terminal import print_result
    from rulezero.series import kind_of

    kind = kind_of(arguments.record)
    if kind is not None:
        return _series(kind, arguments)
    record = read_record(arguments.record)
    record = conclude(record, recorded(record.manifest))
    verdict = record.verdict
    told = new_console(stderr=arguments.json)
    if changed(record.manifest):
        told.print("note: the experiment's file or a toxic changed since this run; it is judged by today's")
    page = draw(record)
    if arguments.json:
        sys.stdout.write(orjson.dumps(verdict, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_result(verdict, told, report=page)
    return EXIT_OF_VERDICT[verdict["verdict"]]


def _series(kind: str, arguments: argparse.Namespace) -> int:
    if kind not in SERIES:
        raise UsageProblem(f"{arguments.record} is a series of `rulezero {kind}`, not of: {', '.join(SERIES)}")
    read, show = SERIES[kind]
    return show(arguments.record, read(arguments.record), as_json=arguments.json)
