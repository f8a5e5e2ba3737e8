"""The arms of a run, one after the other, into one record."""

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rulezero.collect.exporter import exporting
from rulezero.collect.grafana import find_grafana
from rulezero.collect.pass_on import PassOn
from rulezero.collect.spans import SpanReceiver
from rulezero.experiment import Arm, Experiment
from rulezero.lab.target import Target
from rulezero.moment import Progress
from rulezero.record import finish, write_json
from rulezero.runner.annotations import Annotations
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


async def run_experiment(
    run: Run, lab: Target, progress: Progress, *, warn: Callable[[str], None] = lambda _: None
) -> None:
    """Run the arms and leave a finished record.

    A run that is cancelled or fails still leaves a readable record, whose manifest says that it was interrupted; a
    part that ends by itself ends the run, and the manifest says which and how. `warn` hears of what it goes on without.

    Raises:
        Problem: Something outside the system under test went wrong.

    """
    manifest = run.manifest
    manifest["versions"].update(lab.versions)
    annotations = Annotations(find_grafana(lab.observers.grafana), run.experiment.name, warn)
    try:
        with exporting(lab.observers.runner):
            async with AsyncExitStack() as stack:
                pass_on = await stack.enter_async_context(PassOn(lab.traces)) if lab.traces else None
                spans = await stack.enter_async_context(SpanReceiver(lab.listen_host, pass_on=pass_on))
                url = await annotations.reach()
                # What goes away with the lab is no place that a report could lead to.
                if url and (lab.observers.stays or url != f"http://{lab.observers.grafana}"):
                    manifest["grafana"] = url
                await _run_arms(run, lab, progress, spans, annotations)
            if pass_on is not None and pass_on.dropped:
                warn(f"{lab.traces} missed {pass_on.dropped} batches of spans; the record has them all")
        manifest["interrupted"] = False
    finally:
        write_json(run.folder / "manifest.json", manifest)
        finish(run.folder)


async def _run_arms(run: Run, lab: Target, progress: Progress, spans: SpanReceiver, annotations: Annotations) -> None:
    planned_s = len(run.arms) * run.experiment.durations.total_s
    began_s = time.time()
    mark = await annotations.begin("experiment", run.experiment.question, began_s, began_s + planned_s)
    try:
        for position, arm in enumerate(run.arms):
            run.manifest["arms"].append(arm_entry(arm))
            left_s = (len(run.arms) - position - 1) * run.experiment.durations.total_s
            arm_run = ArmRun(
                experiment=run.experiment,
                arm=arm,
                seed=run.seed,
                lab=lab,
                spans=spans,
                annotations=annotations,
                folder=run.folder,
                manifest=run.manifest,
            )
            await arm_run.go(progress, left_after_s=left_s)
            write_json(run.folder / "manifest.json", run.manifest)
            if run.manifest["exits"]:
                break
    finally:
        await annotations.end(mark, time.time())
