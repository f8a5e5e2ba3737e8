"""rulezero demo: two short experiments, a control and a defended arm each."""

import argparse
import sys

import orjson

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.cli.run import SEED, add_output_arguments
from rulezero.errors import EXIT_OF_VERDICT

NAME = "demo"
HELP = "break a real system twice, with and without a defence: about three minutes"
EXAMPLE = "rulezero demo"
EXPERIMENTS = ("cascading_failure", "thundering_herd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--seed", type=int, default=SEED, help="of arrivals, keys and service times (default: %(default)s)"
    )
    add_output_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb; the exit status is the worst of the experiments'."""
    from rulezero.cli.executing import Request, draw
    from rulezero.cli.executing import execute as execute_request
    from rulezero.record import read_record
    from rulezero.report.terminal import print_result

    console = new_console(stderr=arguments.json)
    folders, verdicts = [], []
    for name in EXPERIMENTS:
        experiment = checkout.load_experiment(name)
        request = Request(
            experiment=experiment,
            arms=checkout.choose_arms(experiment, experiment.demo_arms),
            seed=arguments.seed,
            out=arguments.out,
            console=console,
            quiet=arguments.quiet or arguments.json,
        )
        folder, verdict = execute_request(request)
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
