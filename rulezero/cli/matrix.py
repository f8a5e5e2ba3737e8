"""rulezero matrix: which defence carries the effect, and which pair fights."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rulezero.cli.output import new_console
from rulezero.cli.pairs import known_floor
from rulezero.cli.run import add_series_arguments, names
from rulezero.cli.targets import targeted
from rulezero.errors import EXIT_SUPPORTED, EXIT_UNKNOWN, UsageProblem

if TYPE_CHECKING:
    from rulezero.cli.measuring import Measuring
    from rulezero.series import Series

NAME = "matrix"
HELP = "run no defence, each alone, pairs, all but one and all (exit: 0 measured, 2 too few valid rounds)"
EXAMPLE = "rulezero matrix retry_storm --defences deadline,bounded_queue,circuit_breaker"
FILE = "matrix.json"
_PAIRS, _PAIRS_MAX = 3, 100
_TRIES = 2  # An invalid round is repeated once, with another seed: its own may be the reason.


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("experiment", nargs="?", default="", help="a name that `rulezero list` shows")
    parser.add_argument(
        "--defences",
        type=names,
        default=(),
        help="names, separated by commas; default: those of the experiment's arms, at most 4",
    )
    parser.add_argument(
        "--pairs",
        type=int,
        help=f"how many rounds: each runs all arms under the same arrivals (default: {_PAIRS})",
    )
    add_series_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    if arguments.pairs is not None and not 1 <= arguments.pairs <= _PAIRS_MAX:
        raise UsageProblem(f"--pairs must be 1 to {_PAIRS_MAX}, not {arguments.pairs}; correct it")
    measuring = _resumed(arguments) if arguments.resume is not None else _begun(arguments)
    with measuring.to_go_on_with():
        _measure(measuring, measuring.series.asked["pairs"])
    return show(measuring.folder, measuring.series, as_json=arguments.json)


def read(folder: Path) -> "Series":
    """Return a series of this verb. Raises UsageProblem."""
    from rulezero.analysis.combinations import Asked
    from rulezero.series import asked_as, read_series

    series = read_series(folder, NAME)
    asked_as(series, Asked)
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
    left = [number for number in range(rounds) if f"round-{number + 1}" not in done]
    measuring.announce(len(left), len(arms))
    for number in left:
        order = arms[::-1] if number % 2 else arms
        for _ in range(_TRIES):
            seed = series.asked["seed"] + len(series.entries)
            entry = measuring.run(f"round-{number + 1}", comparing(experiment, arms), order, seed)
            conclude(measuring.folder, series)
            if entry.valid:
                break


def _begun(arguments: argparse.Namespace) -> "Measuring":
    from rulezero.analysis.combinations import chosen_defences
    from rulezero.analysis.measures import GOODPUT
    from rulezero.analysis.pairs import YARDSTICK
    from rulezero.cli.executing import requested
    from rulezero.cli.experiments import noted
    from rulezero.cli.measuring import begin

    if not arguments.experiment:
        raise UsageProblem("a matrix needs an experiment; name one that `rulezero list` shows")
    request = requested(arguments, arguments.experiment, (), new_console(stderr=arguments.json))
    experiment = request.experiment
    defences = chosen_defences(experiment, arguments.defences)
    measure = YARDSTICK if experiment.yardstick else GOODPUT.name
    asked = {
        "defences": list(defences),
        "pairs": _PAIRS if arguments.pairs is None else arguments.pairs,
        "seed": arguments.seed,
        "target": arguments.target,
        "control": experiment.control.name,
        "question": experiment.question,
        "yardstick": experiment.yardstick.name if experiment.yardstick else None,
        "definition": noted(experiment)["definition"],
    }
    known = known_floor(arguments, request, asked)
    asked["floor"] = known.floors.get(measure) if known else None
    return begin(NAME, request, asked, _reproduce(experiment.name, asked))


def _reproduce(experiment: str, asked: Mapping[str, Any]) -> str:
    named = f"rulezero {NAME} {experiment} --defences {','.join(asked['defences'])}"
    return targeted(f"{named} --pairs {asked['pairs']} --seed {asked['seed']}", asked["target"])


def _resumed(arguments: argparse.Namespace) -> "Measuring":
    """Return a series to go on with; what it combines, its seed and its target stay, and rounds may be added."""
    from rulezero.cli.measuring import resumed

    if arguments.defences or arguments.experiment:
        raise UsageProblem("a series goes on with what it began with; leave the experiment and --defences out")
    series = read(arguments.resume)
    measuring = resumed(arguments, series)
    series.asked["pairs"] = max(arguments.pairs or 0, series.asked["pairs"])
    series.reproduce = _reproduce(series.experiment, series.asked)
    return measuring
