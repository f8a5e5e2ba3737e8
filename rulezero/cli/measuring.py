"""The runs of a series, one after the other: what `ab`, `aa`, `matrix`, `price` and `sweep` share."""

import argparse
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rulezero import checkout
from rulezero.analysis.measures import measured
from rulezero.cli.executing import Request, execute, requested, require
from rulezero.cli.experiments import noted
from rulezero.cli.output import new_console
from rulezero.cli.run import SEED
from rulezero.cli.targets import EMBEDDED
from rulezero.errors import Problem, UsageProblem
from rulezero.experiment import Arm, Experiment
from rulezero.runner.manifest import usable_cores
from rulezero.series import Entry, Series, new_series, write_series

AROUND_S = 5.0  # What it takes to start and to end an arm's system, about.


class Measuring:
    """Adds runs to a series. `request` holds what all of them share; its experiment, arms and seed are per run.

    `experiment` is the one that was asked for, with all its arms.
    """

    def __init__(self, folder: Path, series: Series, request: Request) -> None:
        self.folder = folder
        self.series = series
        self.experiment = request.experiment
        self._request = replace(request, out=folder, reproduce=series.reproduce)

    def announce(self, runs: int, arms: int) -> None:
        """Say how long so many runs of so many arms take, and where they go; nothing where quiet was asked for."""
        minutes = runs * arms * (self.experiment.durations.total_s + AROUND_S) / 60
        self.tell(f"{runs} runs of {arms} arms, {minutes:.0f} minutes at most; records in {self.folder}")

    def tell(self, line: str) -> None:
        """Print a line of progress; nothing where quiet was asked for."""
        if not self._request.quiet:
            self._request.console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def to_go_on_with(self) -> Iterator[None]:
        """Say by which command the series goes on, when a problem or the user ends it."""
        try:
            yield
        except (Problem, KeyboardInterrupt):
            line = f"go on with: rulezero {self.series.kind} --resume {self.folder}"
            new_console(stderr=True).print(line, soft_wrap=True, markup=False, highlight=False)
            raise

    def run(self, key: str, experiment: Experiment, order: Sequence[Arm], seed: int) -> Entry:
        """Run these arms of an experiment in this order, add what came out, and return it.

        Raises:
            Problem: It could not be run.
            KeyboardInterrupt: The user stopped it; the runs before it stay.

        """
        request = replace(self._request, experiment=experiment, arms=tuple(order), seed=seed)
        folder, verdict = execute(request)
        entry = Entry(
            key=key,
            record=folder.name,
            seed=seed,
            order=[arm.name for arm in order],
            valid=verdict["valid"],
            reasons=verdict["invalid_reasons"],
            arms={arm["name"]: measured(arm) for arm in verdict["arms"]},
            yardsticks={arm["name"]: arm["yardstick"] for arm in verdict["arms"]},
            not_exercised={arm["name"]: arm["not_exercised"] for arm in verdict["arms"]},
        )
        self.series.entries.append(entry)
        write_series(self.folder, self.series)
        return entry


def begin(kind: str, request: Request, asked: dict[str, Any], reproduce: str) -> Measuring:
    """Begin a series of a verb: `asked` are its options, `reproduce` the command line that asks the same again.

    Raises Problem where something that its runs need is missing, before anything is made.
    """
    require(request)
    series = Series(
        kind=kind,
        experiment=request.experiment.name,
        reproduce=reproduce,
        asked=asked,
        host=this_host(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Measuring(new_series(request.out, series), series, request)


def resumed(arguments: argparse.Namespace, series: Series, name: str = "") -> Measuring:
    """Return the series in the folder `--resume`, to go on with where it runs.

    `name` is how its experiment is asked for, where that is not by its own name. Raises UsageProblem where runs from
    now on could not be compared with those there are: another machine, seed or target, or a definition that changed.
    """
    asked = series.asked
    for option, given, unsaid in (("seed", arguments.seed, SEED), ("target", arguments.target, EMBEDDED)):
        if given not in (unsaid, asked[option]):
            raise UsageProblem(f"{arguments.resume} goes on with --{option} {asked[option]}; leave --{option} out")
    if arguments.out not in (checkout.RUNS, arguments.resume.parent):
        raise UsageProblem(f"{arguments.resume} goes on where it is; leave --out out")
    if series.host != this_host():
        raise UsageProblem(f"{arguments.resume} was begun on another machine; begin a new series on this one")
    request = requested(arguments, name or series.experiment, (), new_console(stderr=arguments.json))
    if asked["definition"] != noted(request.experiment)["definition"]:
        raise UsageProblem(f"{series.experiment} or a toxic changed since {arguments.resume} began; begin a new series")
    return Measuring(arguments.resume, series, replace(request, target=asked["target"]))


def this_host() -> dict[str, Any]:
    """Return what a series says of the machine."""
    return {"cores": usable_cores(), "platform": platform.platform(), "python": platform.python_version()}


def comparing(experiment: Experiment, arms: Sequence[Arm]) -> Experiment:
    """Return the experiment with these arms alone, the first of them as its control.

    The experiment's own control must fail. Another one need not; where the control is run twice, to demand it of one of
    the two would choose among runs that are alike.
    """
    first, *others = arms
    own = first == experiment.control and all(replace(arm, name=first.name) != first for arm in others)
    checks = experiment.checks if own else tuple(check for check in experiment.checks if not check.control)
    return replace(experiment, arms=tuple(arms), checks=checks)
