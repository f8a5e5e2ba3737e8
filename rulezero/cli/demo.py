"""rulezero demo: two short experiments, a control and a defended arm each."""

import argparse
import sys

import orjson

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.cli.run import add_shared_arguments
from rulezero.cli.targets import EMBEDDED
from rulezero.errors import EXIT_OF_VERDICT

NAME = "demo"
HELP = "break a real system twice, with and without a defence: about three minutes"
EXAMPLE = "rulezero demo"
EXPERIMENTS = ("cascading_failure", "thundering_herd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_shared_arguments(parser)
    parser.set_defaults(prometheus=False, target=EMBEDDED)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb; the exit status is the worst of the experiments'."""
    from rulezero.cli.executing import draw, requested
    from rulezero.cli.executing import execute as execute_request
    from rulezero.record import read_record
    from rulezero.report.terminal import print_result

    console = new_console(stderr=arguments.json)
    folders, verdicts = [], []
    for name in EXPERIMENTS:
        demo_arms = checkout.load_experiment(name).demo_arms
        folder, verdict = execute_request(requested(arguments, name, demo_arms, console))
        folders.append(folder)
        verdicts.append(verdict)
        if not arguments.json:
            print_result(verdict, console)
    pages = [draw(read_record(folder)) for folder in folders]
    if arguments.json:
        sys.stdout.write(orjson.dumps(verdicts, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        console.print("\nreports, to open in a browser:")
        for page in pages:
            console.print(f"  {page}", soft_wrap=True, highlight=False)
    return max(EXIT_OF_VERDICT[verdict["verdict"]] for verdict in verdicts)
