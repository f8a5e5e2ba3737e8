"""rulezero sweep: an experiment at many points, and the map of what a fault leaves behind."""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rulezero.cli.output import new_console
from rulezero.cli.run import add_series_arguments
from rulezero.cli.targets import targeted
from rulezero.errors import EXIT_SUPPORTED, EXIT_UNKNOWN, Problem, StorageProblem, UsageProblem

if TYPE_CHECKING:
    from rulezero.analysis.sweep import Asked
    from rulezero.cli.measuring import Measuring
    from rulezero.experiment import Experiment
    from rulezero.series import Series

NAME = "sweep"
HELP = "run an experiment at many points and draw where it stays down (exit: 0 all measured, 2 some were not)"
EXAMPLE = "rulezero sweep retry_storm --arm one_retry --vary load=0.3..0.95 --vary stall_s=1..10:3"
FILE = "sweep.json"
_STEPS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("experiment", nargs="?", default="", help="an experiment that can be varied, as retry_storm")
    parser.add_argument("--arm", default="", help="the arm that is run; default: the experiment's control")
    parser.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=LOW..HIGH",
        help="a parameter and its range, its steps behind a colon, or its values: x=1..9, x=1..9:3, x=1,2,5; "
        "give it once or twice",
    )
    parser.add_argument(
        "--steps", type=int, default=_STEPS, help="values of a range that says none (default: %(default)s)"
    )
    add_series_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.analysis.sweep import asked_of

    measuring = _resumed(arguments) if arguments.resume is not None else _begun(arguments)
    series = measuring.series
    with measuring.to_go_on_with():
        try:
            _measure(measuring, asked_of(series))
        except BaseException:
            if series.entries:
                with suppress(Problem):
                    draw(measuring.folder, conclude(measuring.folder, series))
            raise
    return show(measuring.folder, series, as_json=arguments.json)


def show(folder: Path, series: "Series", *, as_json: bool) -> int:
    """Write sweep.json, the map and the reports of a series, print it, and return the exit status."""
    from rulezero.report.sweep import print_sweep

    found = conclude(folder, series)
    page = draw(folder, found)
    if as_json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_sweep(found, new_console(), page=str(page))
    measured = all(point["state"] in ("robust", "recovered", "metastable") for point in found["points"])
    return EXIT_SUPPORTED if measured else EXIT_UNKNOWN


def conclude(folder: Path, series: "Series") -> dict[str, Any]:
    """Write sweep.json and report.md of a series; return the former. Raises Problem."""
    from rulezero.analysis.sweep import concluded
    from rulezero.checkout import load_experiment
    from rulezero.record import write_json, write_text
    from rulezero.report.sweep import report

    found = concluded(series, load_experiment(series.experiment))
    write_json(folder / FILE, found)
    write_text(folder / "report.md", report(found))
    return found


def draw(folder: Path, found: dict[str, Any]) -> Path:
    """Write the map and report.html; return the latter. Drawing takes memory, so nothing should be left to measure."""
    from rulezero.record import write_text
    from rulezero.report.picture import picture_png
    from rulezero.report.sweep_page import render_sweep, sweep_svg

    svg, picture, page = sweep_svg(found), folder / "map.png", folder / "report.html"
    write_text(folder / "map.svg", svg)
    try:
        picture.write_bytes(picture_png(svg))
    except OSError as error:
        raise StorageProblem(f"{picture}: {error.strerror}; free some space") from None
    write_text(page, render_sweep(found))
    return page


def read(folder: Path) -> "Series":
    """Return a series of this verb. Raises UsageProblem."""
    from rulezero.analysis.sweep import asked_of
    from rulezero.series import read_series

    series = read_series(folder, NAME)
    asked_of(series)
    return series


def _measure(measuring: "Measuring", asked: "Asked") -> None:
    """Run the points that are missing; conclude after each, so that whatever ends the sweep leaves what it found."""
    from rulezero.analysis.sweep import next_seed
    from rulezero.analysis.sweep_points import spread
    from rulezero.cli.measuring import AROUND_S
    from rulezero.report.sweep import point_line

    left = [point for point in spread(asked.axes) if next_seed(measuring.series, point, asked.seed) is not None]
    if left:
        runs = [_at(measuring.experiment, asked.arm, point)[0].durations.total_s + AROUND_S for point in left]
        measuring.tell(f"{len(left)} points, about {sum(runs) / 60:.0f} minutes; records in {measuring.folder}")
    for count, point in enumerate(left, start=1):
        while (seed := next_seed(measuring.series, point, asked.seed)) is not None:
            _run(measuring, asked.arm, point, seed)
        found = conclude(measuring.folder, measuring.series)
        line = next(point_line(one) for one in found["points"] if one["at"] == point)
        measuring.tell(f"{count} of {len(left)}: {line}")


def _run(measuring: "Measuring", arm: str, point: dict[str, float], seed: int) -> None:
    """Run one point and note it; a run that is not noted as a whole is run again."""
    import msgspec

    from rulezero.analysis.sweep import measured_with
    from rulezero.analysis.sweep_points import key_of
    from rulezero.series import write_series

    at, timeout = _at(measuring.experiment, arm, point)
    measuring.run(key_of(point), at, at.arms[:1], seed)
    entries = measuring.series.entries
    entries[-1] = msgspec.structs.replace(entries[-1], more=measured_with(point, at.durations.hold_s, timeout))
    write_series(measuring.folder, measuring.series)


def _at(experiment: "Experiment", arm: str, point: dict[str, float]) -> tuple["Experiment", float]:
    """Return the experiment at a point with this arm as its control and a hold that is long enough; and its timeout."""
    from rulezero.analysis.sweep import hold_s, timeout_s
    from rulezero.checkout import at_point, choose_arms
    from rulezero.cli.measuring import comparing

    at = at_point(experiment, point)
    (chosen,) = choose_arms(at, (arm,))
    others = [one for one in at.arms if one.name != arm]
    timeout = timeout_s(at)
    predicted_s = experiment.variants.predicted(point, arm) if experiment.variants else None
    durations = replace(at.durations, hold_s=hold_s(predicted_s, timeout))
    return replace(comparing(at, [chosen, *others]), durations=durations), timeout


def _begun(arguments: argparse.Namespace) -> "Measuring":
    from rulezero.analysis.sweep_points import read_axes, told
    from rulezero.cli.executing import requested
    from rulezero.cli.experiments import noted
    from rulezero.cli.measuring import begin

    if not arguments.experiment:
        raise UsageProblem("a sweep needs an experiment; name one that docs/sweep.md names, or give --resume")
    named = (arguments.arm,) if arguments.arm else ()
    request = requested(arguments, arguments.experiment, named, new_console(stderr=arguments.json))
    experiment = request.experiment
    arm = arguments.arm or experiment.control.name
    axes = read_axes(arguments.vary, experiment.name, experiment.variants, arguments.steps)
    asked = {
        "arm": arm,
        "vary": [{"name": axis.name, "values": list(axis.values)} for axis in axes],
        "seed": arguments.seed,
        "target": arguments.target,
        "definition": noted(experiment)["definition"],
    }
    vary = " ".join(f"--vary {axis.name}={','.join(told(value) for value in axis.values)}" for axis in axes)
    reproduce = f"rulezero {NAME} {experiment.name} --arm {arm} {vary} --seed {arguments.seed}"
    return begin(NAME, request, asked, targeted(reproduce, arguments.target))


def _resumed(arguments: argparse.Namespace) -> "Measuring":
    """Return a sweep to go on with; what it was asked for stays."""
    from rulezero.cli.measuring import resumed

    if arguments.vary or arguments.arm:
        raise UsageProblem("a sweep goes on with the arm and the points that it began with; leave --arm and --vary out")
    series = read(arguments.resume)
    if arguments.experiment not in ("", series.experiment):
        raise UsageProblem(f"{arguments.resume} is a sweep of {series.experiment}, not of {arguments.experiment}")
    return resumed(arguments, series)
