"""What `ab` and `aa` share: pairs of runs of the same seed, in turning order, until a series says that it is over."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console

from rulezero.cli.output import new_console
from rulezero.cli.run import add_series_arguments
from rulezero.cli.targets import targeted
from rulezero.errors import UsageProblem
from rulezero.experiment import Arm

if TYPE_CHECKING:
    from rulezero.cli.executing import Request
    from rulezero.cli.measuring import Measuring
    from rulezero.cli.noise_floor import Floor
    from rulezero.series import Series

PAIRS_MIN, PAIRS_MAX = 2, 1000


def add_pair_arguments(parser: argparse.ArgumentParser, *, pairs: int) -> None:
    """Add the options that both have."""
    parser.add_argument(
        "experiment",
        nargs="?",
        default="",
        help="a name that `rulezero list` shows, or a TOML file of your own service",
    )
    parser.add_argument(
        "--pairs",
        type=int,
        help=f"how many, of which each runs all arms under the same arrivals (default: {pairs})",
    )
    parser.set_defaults(pairs_unsaid=pairs)
    add_series_arguments(parser)


def asked_for(arguments: argparse.Namespace, verb: str) -> "Request":
    """Return what the options ask to run, with all arms of the experiment. Raises UsageProblem."""
    from rulezero.cli.executing import requested

    if not arguments.experiment:
        raise UsageProblem(f"rulezero {verb} needs an experiment; name one that `rulezero list` shows")
    arguments.pairs = arguments.pairs_unsaid if arguments.pairs is None else arguments.pairs
    if not PAIRS_MIN <= arguments.pairs <= PAIRS_MAX:
        raise UsageProblem(f"--pairs must be {PAIRS_MIN} to {PAIRS_MAX}, not {arguments.pairs}; one has no interval")
    return requested(arguments, arguments.experiment, (), new_console(stderr=arguments.json))


def asked_of(arguments: argparse.Namespace, request: "Request", arms: Sequence[Arm]) -> dict[str, Any]:
    """Return what a new series says of what was asked; the first of the arms is the control."""
    from rulezero.cli.experiments import noted

    experiment = request.experiment
    yardstick = experiment.yardstick
    return {
        "control": arms[0].name,
        "treatments": [arm.name for arm in arms[1:]],
        "pairs": arguments.pairs,
        "seed": arguments.seed,
        "yardstick": None if yardstick is None else {"name": yardstick.name, "alone": yardstick.alone},
        **noted(experiment),
        "target": arguments.target,
        "floors": None,
        "floors_from": None,
    }


def known_floor(arguments: argparse.Namespace, request: "Request", asked: Mapping[str, Any]) -> "Floor | None":
    """Return what `rulezero aa` found of this experiment here. Raises UsageProblem where its file is malformed."""
    from rulezero.cli.measuring import this_host
    from rulezero.cli.noise_floor import read_floor

    say = partial(new_console(stderr=True).print, markup=False, highlight=False, soft_wrap=True)
    return read_floor(
        arguments.out,
        request.experiment.name,
        this_host(),
        arm=asked["control"],
        definition=asked["definition"],
        target=asked["target"],
        told=say,
    )


def reproduce(arguments: argparse.Namespace, verb: str, options: str) -> str:
    """Return the command line that asks for the same again."""
    line = f"rulezero {verb} {arguments.experiment} {options} --pairs {arguments.pairs} --seed {arguments.seed}"
    return targeted(line, arguments.target)


def resumed(arguments: argparse.Namespace, verb: str) -> "Measuring":
    """Return the series to go on with, as it was asked for. Raises UsageProblem."""
    from rulezero.analysis.pairs import asked_of as asked_of_series
    from rulezero.cli import measuring
    from rulezero.series import read_series

    if arguments.experiment or arguments.pairs is not None:
        more = "; looks that were not planned would cost the error rate" if arguments.pairs is not None else ""
        raise UsageProblem(f"a series goes on with what it began with; leave the experiment and --pairs out{more}")
    series = read_series(arguments.resume, verb)
    asked = asked_of_series(series)
    return measuring.resumed(arguments, series, "" if asked.file is None else asked.file.get("path", ""))


def measure_pairs(
    measuring: "Measuring", arms: Sequence[Arm], *, over: Callable[["Series"], bool], console: Console, quiet: bool
) -> None:
    """Run pairs until the series is over, every second one backwards; an invalid one again, with the next seed.

    Raises:
        Problem: A run could not be made; what was measured stays, and can be gone on with.
        KeyboardInterrupt: The user stopped it; likewise.

    """
    from rulezero.cli.measuring import comparing
    from rulezero.report.compared_pairs import pair_line

    series = measuring.series
    experiment = comparing(measuring.experiment, arms)
    left = series.asked["pairs"] - len(series.valid())
    if left > 0 and not over(series):
        measuring.announce(left, len(arms))
    with measuring.to_go_on_with():
        while not over(series):
            number = len(series.valid()) + 1
            order = arms if number % 2 else arms[::-1]
            # Every run takes a seed of its own: an invalid pair's may be the reason that it was.
            seed = series.asked["seed"] + len(series.entries)
            entry = measuring.run(f"pair-{number}", experiment, order, seed)
            if not quiet:
                console.print(pair_line(entry, series), soft_wrap=True, markup=False, highlight=False)
