"""What `run` and `demo` share: one experiment from start to report."""

import argparse
import asyncio
import errno
import shutil
import signal
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from rulezero import checkout
from rulezero.analysis.judge import judge
from rulezero.cli.targets import COMPOSE, EMBEDDED
from rulezero.collect.grafana import find_grafana
from rulezero.errors import Problem, StorageProblem, UsageProblem
from rulezero.experiment import Arm, Experiment
from rulezero.lab.compose import open_compose, require_containers
from rulezero.lab.description import ShopDescription, read_description
from rulezero.lab.lab import make_plan, open_lab
from rulezero.lab.observability import NOTHING, for_a_run
from rulezero.lab.target import Target
from rulezero.record import Record, new_record, read_record, write_json, write_text
from rulezero.report.live import LiveProgress
from rulezero.report.markdown import render_markdown
from rulezero.runner.run import Run, begin_run, run_experiment

SAMPLES = "prometheus"  # The folder in a record that `--prometheus` fills.
# What a full or read-only disk says; a broken connection is an OSError too.
_STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One experiment to run, and how much to say meanwhile; `prometheus` keeps what it scraped beside the record.

    `target` is where the system under test runs: `EMBEDDED` as processes, `COMPOSE` in containers that are up.
    """

    experiment: Experiment
    arms: tuple[Arm, ...]
    seed: int
    out: Path
    console: Console
    quiet: bool
    prometheus: bool = False
    target: str = EMBEDDED


def requested(arguments: argparse.Namespace, name: str, arm_names: tuple[str, ...], console: Console) -> Request:
    """Return what the options of a verb ask for: an experiment by its name, and these of its arms, or all.

    Raises:
        UsageProblem: There is no such experiment, or no such arm.

    """
    experiment = checkout.load_experiment(name)
    return Request(
        experiment=experiment,
        arms=checkout.choose_arms(experiment, arm_names),
        seed=arguments.seed,
        out=arguments.out,
        console=console,
        quiet=arguments.quiet or arguments.json,
        prometheus=arguments.prometheus,
        target=arguments.target,
    )


def execute(request: Request) -> tuple[Path, dict[str, Any]]:
    """Run and judge; return the record's folder and the verdict. `draw` makes the page.

    Raises:
        Problem: It could not be run. What was begun is a readable record that says so, with the logs.
        KeyboardInterrupt: The user stopped it; the record is readable and says so.

    """
    root = checkout.require_checkout()
    description = read_description(root / request.experiment.lab, root)
    if request.target == COMPOSE:
        asyncio.run(_require_containers(request, description))
    else:
        make_plan(description)  # Whatever is missing or malformed is told before anything is made.
    find_grafana("")
    if request.prometheus:
        for_a_run(request.out)
    folder = new_record(request.out, request.experiment.name)
    processes = [service.name for service in description.services]
    try:
        run = begin_run(request.experiment, request.arms, seed=request.seed, folder=folder, processes=processes)
        run.manifest["definition"] = checkout.fingerprint(request.experiment.name)
        run.manifest["target"] = request.target
        if request.target != EMBEDDED:
            run.manifest["reproduce"] += f" --target {request.target}"
        write_json(folder / "manifest.json", run.manifest)
    except Problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        _run(_measure(request, run, description))
    except BaseException:
        with suppress(Problem):
            draw(conclude(read_record(folder), request.experiment))
        raise
    return folder, conclude(read_record(folder), request.experiment).verdict


def conclude(record: Record, experiment: Experiment) -> Record:
    """Write verdict.json and report.md of a record, from the record alone; return the record with its verdict."""
    judged = replace(record, verdict=judge(record, experiment))
    write_json(record.folder / "verdict.json", judged.verdict)
    write_text(record.folder / "report.md", render_markdown(judged))
    return judged


def draw(record: Record) -> Path:
    """Write report.html of a record that has its verdict; return its path.

    Call it when nothing is left to measure: drawing takes much memory, and does not give it back.
    """
    from rulezero.report.html import render_html

    path = record.folder / "report.html"
    write_text(path, render_html(record))
    return path


async def _measure(request: Request, run: Run, description: ShopDescription) -> None:
    names = [arm.name for arm in request.arms]
    total_s = request.experiment.durations.total_s * len(names)
    progress = LiveProgress(request.console, request.experiment.name, names, total_s, quiet=request.quiet)
    with progress:
        async with _system(request, run, description) as lab:
            say = partial(request.console.print, markup=False, highlight=False, soft_wrap=True)
            if lab.observers.prometheus and not request.quiet:
                grafana = f", Grafana at http://{lab.observers.grafana}" if lab.observers.grafana else ""
                say(f"Prometheus at http://{lab.observers.prometheus}{grafana}")
            await run_experiment(run, lab, progress, warn=say)


def _system(request: Request, run: Run, description: ShopDescription) -> AbstractAsyncContextManager[Target]:
    logs = run.folder / "logs"
    if request.target == COMPOSE:
        return open_compose(description, logs=logs)
    observe = for_a_run(run.folder / SAMPLES) if request.prometheus else NOTHING
    return open_lab(description, logs=logs, seed=request.seed, observe=observe)


async def _require_containers(request: Request, description: ShopDescription) -> None:
    if request.prometheus:
        raise UsageProblem("the containers have a Prometheus that stays; leave --prometheus out")
    await require_containers(description)


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end; SIGTERM and a closed terminal stop it as Ctrl-C does."""

    async def interruptible() -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)  # type: ignore[union-attr]  # A coroutine runs in a task.
        await main

    try:
        asyncio.run(interruptible())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except OSError as error:
        if error.errno not in _STORAGE:
            raise
        raise StorageProblem(f"{error.filename or 'the record'}: {error.strerror}; free some space") from None
