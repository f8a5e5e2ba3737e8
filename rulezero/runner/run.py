"""The arms of a run, one after the other, into one record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rulezero.collect.spans import SpanReceiver
from rulezero.experiment import Arm, Experiment
from rulezero.lab.lab import Lab
from rulezero.moment import Progress
from rulezero.record import finish, write_json
from rulezero.runner.arm import ArmRun
from rulezero.runner.manifest import arm_entry, new_manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What to run: an experiment, the arms of it, the seed, the folder of the new record, and its manifest so far."""

    experiment: Experiment
    arms: tuple[Arm, ...]
    seed: int
    folder: Path
    manifest: dict[str, Any]


def begin_run(
    experiment: Experiment, arms: tuple[Arm, ...], *, seed: int, folder: Path, processes: Sequence[str]
) -> Run:
    """Write a manifest that says interrupted, so that whatever happens next leaves a readable record.

    `processes` are the services that are scraped.

    Raises:
        StorageProblem: The manifest cannot be written.

    """
    manifest = new_manifest(experiment, arms, seed, processes)
    write_json(folder / "manifest.json", manifest)
    return Run(experiment=experiment, arms=arms, seed=seed, folder=folder, manifest=manifest)


async def run_experiment(run: Run, lab: Lab, progress: Progress) -> None:
    """Run the arms and leave a finished record.

    A run that is cancelled or fails still leaves a readable record, whose manifest says that it was interrupted; a
    part that ends by itself ends the run, and the manifest says which and how.

    Raises:
        Problem: Something outside the system under test went wrong.

    """
    manifest = run.manifest
    manifest["versions"].update(lab.versions)
    try:
        async with SpanReceiver() as spans:
            for position, arm in enumerate(run.arms):
                manifest["arms"].append(arm_entry(arm))
                left_s = (len(run.arms) - position - 1) * run.experiment.durations.total_s
                arm_run = ArmRun(
                    experiment=run.experiment,
                    arm=arm,
                    seed=run.seed,
                    lab=lab,
                    spans=spans,
                    folder=run.folder,
                    manifest=manifest,
                )
                await arm_run.go(progress, left_after_s=left_s)
                write_json(run.folder / "manifest.json", manifest)
                if manifest["exits"]:
                    break
        manifest["interrupted"] = False
    finally:
        write_json(run.folder / "manifest.json", manifest)
        finish(run.folder)
