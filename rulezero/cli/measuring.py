"""The runs of a series, one after the other: what `ab`, `aa`, `matrix`, `price` and `sweep` share."""

import argparse
import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rulezero.analysis.measures import measured
from rulezero.cli.executing import Request, execute, requested
from rulezero.cli.experiments import noted
from rulezero.cli.output import new_console
from rulezero.errors import UsageProblem
from rulezero.experiment import Arm, Experiment
from rulezero.runner.manifest import usable_cores
from rulezero.series import Entry, Series, new_series, write_series


class Measuring:
    """Adds runs to a series. `request` holds what all of them share; its experiment, arms and seed are per run.

    `experiment` is the one that was asked for, with all its arms.
    """

    def __init__(self, folder: Path, series: Series, request: Request) -> None:
        self.folder = folder
        self.series = series
        self.experiment = request.experiment
        self._request = replace(request, out=folder)

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
    """Begin a series of a verb: `asked` are its options, `reproduce` the command line that asks the same again."""
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

    `name` is how its experiment is asked for, where that is not by its own name. Raises UsageProblem when the
    experiment or a toxic changed since.
    """
    request = requested(arguments, name or series.experiment, (), new_console(stderr=arguments.json))
    if series.asked["definition"] != noted(request.experiment)["definition"]:
        raise UsageProblem(f"{series.experiment} or a toxic changed since {arguments.resume} began; begin a new series")
    return Measuring(arguments.resume, series, replace(request, target=series.asked["target"]))


def this_host() -> dict[str, Any]:
    """Return what a series says of the machine."""
    return {"cores": usable_cores(), "platform": platform.platform(), "python": platform.python_version()}


def comparing(experiment: Experiment, arms: Sequence[Arm]) -> Experiment:
    """Return the experiment with these arms alone, the first of them as its control."""
    return replace(experiment, arms=tuple(arms))
