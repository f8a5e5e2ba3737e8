"""rulezero aa: the same arm twice, to learn what this machine can tell from noise, and what it calls by mistake."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from rulezero import checkout
from rulezero.cli import pairs
from rulezero.cli.output import new_console
from rulezero.errors import UsageProblem
from rulezero.experiment import Arm

if TYPE_CHECKING:
    from rulezero.analysis.noise import NoiseFloor
    from rulezero.cli.measuring import Measuring
    from rulezero.series import Series

NAME = "aa"
HELP = (
    "run pairs of the same arm: the smallest effect this machine can tell, and false alarms (exit: 0 measured, 2 not)"
)
EXAMPLE = "rulezero aa cascading_failure --pairs 20"
FILE = "aa.json"
_PAIRS = 20
_AGAIN = "_again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--arm", default="", help="the arm to run twice; default: the experiment's control")
    pairs.add_pair_arguments(parser, pairs=_PAIRS)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.analysis.noise import noise_floor
    from rulezero.analysis.pairs import asked_of

    measuring = _begun(arguments) if arguments.resume is None else _resumed(arguments)
    folder, series = measuring.folder, measuring.series
    pairs.measure_pairs(
        measuring,
        twice(checkout.choose_arms(measuring.experiment, (asked_of(series).control,))[0]),
        over=lambda so_far: noise_floor(so_far).ending is not None,
        console=new_console(),
        quiet=arguments.quiet or arguments.json,
    )
    _keep(folder, series, noise_floor(series))
    return show(folder, series, as_json=arguments.json)


def twice(arm: Arm) -> tuple[Arm, Arm]:
    """Return the arm and its like under another name."""
    return arm, replace(arm, name=arm.name + _AGAIN)


def read(folder: Path) -> "Series":
    """Return a series of this verb. Raises UsageProblem."""
    from rulezero.series import read_series

    return read_series(folder, NAME)


def show(folder: Path, series: "Series", *, as_json: bool) -> int:
    """Write aa.json, report.md and report.html of a series, print it, and return the exit status."""
    from rulezero.analysis.noise import as_json as content_of
    from rulezero.analysis.noise import noise_floor
    from rulezero.record import write_json, write_text
    from rulezero.report.compared_markdown import render_markdown
    from rulezero.report.compared_noise import exit_status, tell
    from rulezero.report.compared_page import render_page
    from rulezero.report.compared_terminal import print_told

    floor = noise_floor(series)
    told, content = tell(floor, folder=str(folder)), content_of(floor)
    page = folder / "report.html"
    write_json(folder / FILE, content)
    write_text(folder / "report.md", render_markdown(told))
    write_text(page, render_page(told))
    if as_json:
        sys.stdout.write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_told(told, new_console(), report=page)
    return exit_status(floor)


def _keep(folder: Path, series: "Series", floor: "NoiseFloor") -> None:
    """Keep the floor beside the series, for `rulezero ab`."""
    from rulezero.cli.noise_floor import Floor, keep_floor

    if floor.ending != "complete" or not floor.floors:
        return
    found = Floor(
        arm=floor.arm,
        series=folder.name,
        pairs=floor.pairs,
        host=dict(series.host),
        definition=series.asked["definition"],
        target=series.asked["target"],
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        floors=floor.floors,
    )
    keep_floor(folder.parent, series.experiment, found)


def _begun(arguments: argparse.Namespace) -> "Measuring":
    from rulezero.cli.measuring import begin

    request = pairs.asked_for(arguments, NAME)
    arm = arguments.arm or request.experiment.control.name
    arms = twice(checkout.choose_arms(request.experiment, (arm,))[0])
    asked = pairs.asked_of(arguments, request, arms)
    pairs.known_floor(arguments, request, asked)  # A spoilt file is told before hours of pairs.
    return begin(NAME, request, asked, pairs.reproduce(arguments, NAME, f"--arm {arm}"))


def _resumed(arguments: argparse.Namespace) -> "Measuring":
    if arguments.arm:
        raise UsageProblem("a series goes on with what it began with; leave --arm out")
    return pairs.resumed(arguments, NAME)
