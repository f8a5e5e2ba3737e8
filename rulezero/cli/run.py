"""rulezero run: one experiment, a verdict and a report."""

import argparse
import sys
from pathlib import Path

import orjson

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.cli.targets import add_target
from rulezero.errors import EXIT_OF_VERDICT

NAME = "run"
HELP = (
    "run an experiment: its arms one after the other, then verdict and report (exit: 0 supported, 1 refuted, 2 invalid)"
)
EXAMPLE = "rulezero run cascading_failure --arms none,circuit_breaker --seed 7"
SEED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("experiment", help="a name that `rulezero list` shows, or a TOML file of your own service")
    parser.add_argument(
        "--arms", type=names, default=(), help="names, separated by commas; default: all, the first is the control"
    )
    parser.add_argument(
        "--prometheus", action="store_true", help="start Prometheus and Grafana too; the samples stay in the record"
    )
    add_target(parser)
    add_shared_arguments(parser)


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that every verb has that runs experiments."""
    parser.add_argument(
        "--seed", type=int, default=SEED, help="of arrivals, keys and service times (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=checkout.RUNS, help="where records go (default: %(default)s/)")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress, only the result")
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")


def add_series_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of every verb that makes a series of runs."""
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with a series that was interrupted")
    add_target(parser)
    add_shared_arguments(parser)
    parser.set_defaults(prometheus=False)


def names(text: str) -> tuple[str, ...]:
    """Return the names that an option separates by commas; spaces and empty ones are forgiven."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.cli.executing import draw, requested
    from rulezero.cli.executing import execute as execute_request
    from rulezero.record import read_record
    from rulezero.report.terminal import print_result

    request = requested(arguments, arguments.experiment, arguments.arms, new_console(stderr=arguments.json))
    folder, verdict = execute_request(request)
    page = draw(read_record(folder))
    if arguments.json:
        sys.stdout.write(orjson.dumps(verdict, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_result(verdict, request.console, report=page)
    return EXIT_OF_VERDICT[verdict["verdict"]]
