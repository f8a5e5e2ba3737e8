"""rulezero matrix: which defence carries the effect, and which pair fights."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rulezero.cli.output import new_console
from rulezero.cli.run import add_shared_arguments
from rulezero.cli.targets import EMBEDDED, add_target
from rulezero.errors import EXIT_SUPPORTED, EXIT_UNKNOWN, UsageProblem

if TYPE_CHECKING:
    from rulezero.cli.measuring import Measuring
    from rulezero.series import Series

NAME = "matrix"
HELP = "run no defence, each alone, pairs, all but one and all (exit: 0 measured, 2 too few valid rounds)"
EXAMPLE = "rulezero matrix retry_storm --defences deadline,bounded_queue,circuit_breaker"
FILE = "matrix.json"
_PAIRS, _PAIRS_MAX = 3, 100
_ASKED = {"defences", "pairs", "seed", "target", "control", "question", "yardstick", "definition", "floor"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("experiment", nargs="?", default="", help="a name that `rulezero list` shows")
    parser.add_argument(
        "--defences", default="", help="names, separated by commas; default: those of the experiment's arms, at most 4"
    )
    parser.add_argument(
        "--pairs",
        type=int,
        default=_PAIRS,
        help="how many rounds: each runs all arms under the same arrivals (default: %(default)s)",
    )
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with a series that was interrupted")
    add_target(parser)
    add_shared_arguments(parser)
    parser.set_defaults(prometheus=False)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    if not 1 <= arguments.pairs <= _PAIRS_MAX:
        raise UsageProblem(f"--pairs must be 1 to {_PAIRS_MAX}, not {arguments.pairs}; correct it")
    measuring = _resumed(arguments) if arguments.resume is not None else _begun(arguments)
    _measure(measuring, arguments.pairs)
    return show(measuring.folder, measuring.series, as_json=arguments.json)


def read(folder: Path) -> "Series":
    """Return a series of this verb. Raises UsageProblem."""
    from rulezero.series import read_series

    series = read_series(folder, NAME)
    if lacking := _ASKED - set(series.asked):
        raise UsageProblem(f"{folder}/series.json does not say its {', '.join(sorted(lacking))}; measure again")
    return series


def show(folder: Path, series: "Series", *, as_json: bool) -> int:
    """Write matrix.json, report.md and report.html of a series, print it, and return the exit status."""
    from rulezero.record import write_text
    from rulezero.report.matrix import print_matrix
    from rulezero.report.matrix_page import render_matrix

    found = conclude(folder, series)
    page = folder / "report.html"
    write_text(page, render_matrix(found))
    if as_json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_matrix(found, new_console(), page=str(page))
    return EXIT_SUPPORTED if found["rounds"] > 1 else EXIT_UNKNOWN


def conclude(folder: Path, series: "Series") -> dict[str, Any]:
    """Write matrix.json and report.md of a series; return the former. Raises StorageProblem."""
    from rulezero.analysis.matrix import matrix
    from rulezero.record import write_json, write_text
    from rulezero.report.matrix import report

    found = matrix(series)
    write_json(folder / FILE, found)
    write_text(folder / "report.md", report(found))
    return found


def _measure(measuring: "Measuring", rounds: int) -> None:
    """Run the rounds that are missing, every second one backwards; conclude after each, so that an end leaves it."""
    from rulezero.analysis.combinations import matrix_arms
    from rulezero.cli.measuring import comparing

    series, experiment = measuring.series, measuring.experiment
    arms = matrix_arms(experiment, series.asked["defences"])
    done = {entry.key for entry in series.valid()}
    for number in range(rounds):
        key = f"round-{number + 1}"
        if key in done:
            continue
        order = arms[::-1] if number % 2 else arms
        measuring.run(key, comparing(experiment, arms), order, series.asked["seed"] + number)
        conclude(measuring.folder, series)


def _begun(arguments: argparse.Namespace) -> "Measuring":
    from rulezero.analysis.combinations import chosen_defences
    from rulezero.analysis.measures import GOODPUT
    from rulezero.analysis.pairs import YARDSTICK
    from rulezero.cli.executing import requested
    from rulezero.cli.experiments import noted
    from rulezero.cli.measuring import begin, this_host
    from rulezero.cli.noise_floor import read_floor

    if not arguments.experiment:
        raise UsageProblem("a matrix needs an experiment; name one that `rulezero list` shows")
    request = requested(arguments, arguments.experiment, (), new_console(stderr=arguments.json))
    experiment = request.experiment
    named = [name.strip() for name in arguments.defences.split(",") if name.strip()]
    defences = chosen_defences(experiment, named)
    known = read_floor(arguments.out, experiment.name, this_host())
    measure = YARDSTICK if experiment.yardstick else GOODPUT.name
    asked = {
        "defences": list(defences),
        "pairs": arguments.pairs,
        "seed": arguments.seed,
        "target": arguments.target,
        "control": experiment.control.name,
        "question": experiment.question,
        "yardstick": experiment.yardstick.name if experiment.yardstick else None,
        "definition": noted(experiment)["definition"],
        "floor": known.floors.get(measure) if known else None,
    }
    reproduce = (
        f"rulezero {NAME} {experiment.name} --defences {','.join(defences)} --pairs {arguments.pairs} "
        f"--seed {arguments.seed}"
    )
    if arguments.target != EMBEDDED:
        reproduce += f" --target {arguments.target}"
    return begin(NAME, request, asked, reproduce)


def _resumed(arguments: argparse.Namespace) -> "Measuring":
    """Return a series to go on with; what it combines, its seed and its target stay, and rounds may be added."""
    from rulezero.cli.measuring import resumed

    if arguments.defences or arguments.experiment:
        raise UsageProblem("a series goes on with what it began with; leave the experiment and --defences out")
    series = read(arguments.resume)
    measuring = resumed(arguments, series)
    series.asked["pairs"] = max(arguments.pairs, series.asked["pairs"])
    return measuring
