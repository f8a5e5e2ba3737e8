"""rulezero ab: does it help? Pairs of runs of control and treatment, and a verdict that keeps its error rate."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from rulezero import checkout
from rulezero.cli import pairs
from rulezero.cli.output import new_console
from rulezero.cli.run import names
from rulezero.errors import UsageProblem
from rulezero.experiment import Arm, Experiment

if TYPE_CHECKING:
    from rulezero.cli.measuring import Measuring
    from rulezero.series import Series

NAME = "ab"
HELP = (
    "run pairs of control and treatment until it is clear whether it helps "
    "(exit: 0 helps or no effect, 1 harms, 2 inconclusive)"
)
EXAMPLE = "rulezero ab cascading_failure --control none --treatment circuit_breaker --pairs 8"
FILE = "ab.json"
_PAIRS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--control", default="", help="the arm to compare with; default: the experiment's control")
    parser.add_argument(
        "--treatment",
        type=names,
        default=(),
        help="arms, separated by commas; default: the experiment's first ones to look at",
    )
    pairs.add_pair_arguments(parser, pairs=_PAIRS)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.analysis.compared import compare
    from rulezero.analysis.pairs import asked_of

    measuring = _begun(arguments) if arguments.resume is None else _resumed(arguments)
    folder, series = measuring.folder, measuring.series
    asked = asked_of(series)
    arms = checkout.choose_arms(measuring.experiment, (asked.control, *asked.treatments))
    pairs.measure_pairs(
        measuring,
        arms,
        over=lambda so_far: compare(so_far).ending is not None,
        console=new_console(),
        quiet=arguments.quiet or arguments.json,
    )
    return show(folder, series, as_json=arguments.json)


def read(folder: Path) -> "Series":
    """Return a series of this verb. Raises UsageProblem."""
    from rulezero.series import read_series

    return read_series(folder, NAME)


def show(folder: Path, series: "Series", *, as_json: bool) -> int:
    """Write ab.json, report.md and report.html of a series, print it, and return the exit status."""
    from rulezero.analysis.compared import as_json as content_of
    from rulezero.analysis.compared import compare
    from rulezero.record import write_json, write_text
    from rulezero.report.compared import charts, exit_status, tell
    from rulezero.report.compared_markdown import render_markdown
    from rulezero.report.compared_page import render_page
    from rulezero.report.compared_terminal import print_told

    comparison = compare(series)
    told, content = tell(comparison, folder=str(folder)), content_of(comparison)
    page = folder / "report.html"
    write_json(folder / FILE, content)
    write_text(folder / "report.md", render_markdown(told))
    write_text(page, render_page(told, charts(comparison)))
    if as_json:
        sys.stdout.write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_told(told, new_console(), report=page)
    return exit_status(comparison)


def _begun(arguments: argparse.Namespace) -> "Measuring":
    from rulezero.cli.measuring import begin

    request = pairs.asked_for(arguments, NAME)
    arms = _arms(request.experiment, arguments)
    asked = pairs.asked_of(arguments, request, arms)
    floor = pairs.known_floor(arguments, request, asked)
    if floor is not None:
        asked.update(floors=floor.floors, floors_from=floor.series)
    control, *treatments = (arm.name for arm in arms)
    options = f"--control {control} --treatment {','.join(treatments)}"
    return begin(NAME, request, asked, pairs.reproduce(arguments, NAME, options))


def _resumed(arguments: argparse.Namespace) -> "Measuring":
    if arguments.control or arguments.treatment:
        raise UsageProblem("a series goes on with what it began with; leave --control and --treatment out")
    return pairs.resumed(arguments, NAME)


def _arms(experiment: Experiment, arguments: argparse.Namespace) -> tuple[Arm, ...]:
    """Return the control and the treatments. Raises UsageProblem."""
    control = arguments.control or experiment.control.name
    treatments = arguments.treatment or tuple(name for name in experiment.demo_arms if name != control)
    if control in treatments:
        raise UsageProblem(f"{control} is control and treatment; to compare an arm with itself: rulezero aa")
    if not treatments:
        raise UsageProblem(f"there is nothing to compare {control} with; name arms with --treatment")
    return checkout.choose_arms(experiment, (control, *treatments))
