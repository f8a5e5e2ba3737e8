"""What `run` and `demo` share: one experiment from start to report."""

import argparse
import asyncio
import errno
import shutil
import signal
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from rulezero import checkout
from rulezero.analysis.judge import judge
from rulezero.cli.experiments import asked, noted
from rulezero.cli.targets import COMPOSE, EMBEDDED, targeted
from rulezero.collect.grafana import annotate, find_grafana
from rulezero.errors import Problem, StorageProblem, UsageProblem
from rulezero.experiment import Arm, Experiment
from rulezero.lab.compose import open_compose, require_containers
from rulezero.lab.description import ShopDescription, read_description
from rulezero.lab.directory import other_owners
from rulezero.lab.lab import make_plan, open_lab
from rulezero.lab.observability import NOTHING, for_a_run
from rulezero.lab.own import open_own
from rulezero.lab.target import Target
from rulezero.own_system import OwnSystem
from rulezero.record import Record, new_record, read_record, write_json, write_text
from rulezero.report.grafana import prediction_marks
from rulezero.report.live import LiveProgress
from rulezero.report.markdown import render_markdown
from rulezero.runner.run import Run, begin_run, run_experiment

LOGS = "logs"
SAMPLES = "prometheus"  # The folder in a record that `--prometheus` fills.
# What a full or read-only disk says; a broken connection is an OSError too.
_STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One experiment to run, and how much to say meanwhile; `prometheus` keeps what it scraped beside the record.

    `target` is where the system under test runs: `EMBEDDED` as processes, `COMPOSE` in containers that are up.
    `reproduce` is the command line that asks for this run again, where it is not `rulezero run`.
    """

    experiment: Experiment
    arms: tuple[Arm, ...]
    seed: int
    out: Path
    console: Console
    quiet: bool
    prometheus: bool = False
    target: str = EMBEDDED
    reproduce: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """What a request runs against: the processes that are scraped, and how it starts, given the record's folder."""

    processes: list[str]
    open: Callable[[Path], AbstractAsyncContextManager[Target]]


def requested(arguments: argparse.Namespace, name: str, arm_names: tuple[str, ...], console: Console) -> Request:
    """Return what the options of a verb ask for: an experiment by its name, and these of its arms, or all.

    Raises:
        UsageProblem: There is no such experiment, or no such arm.

    """
    experiment = asked(name)
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


def require(request: Request) -> System:
    """Return what a request runs against, before anything is made. Raises Problem where something of it is missing."""
    find_grafana("")
    return _system(request)


def execute(request: Request) -> tuple[Path, dict[str, Any]]:
    """Run and judge; return the record's folder and the verdict. `draw` makes the page.

    Raises:
        Problem: It could not be run. What was begun is a readable record that says so, with the logs.
        KeyboardInterrupt: The user stopped it; the record is readable and says so.

    """
    system = require(request)
    if request.prometheus:
        for_a_run(request.out)
    folder = new_record(request.out, request.experiment.name)
    try:
        run = begin_run(request.experiment, request.arms, seed=request.seed, folder=folder, processes=system.processes)
        run.manifest.update(noted(request.experiment))
        run.manifest["target"] = request.target
        run.manifest["reproduce"] = request.reproduce or targeted(run.manifest["reproduce"], request.target)
        write_json(folder / "manifest.json", run.manifest)
    except Problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        _run(_measure(request, run, system))
    except BaseException:
        with suppress(Problem):
            draw(conclude(read_record(folder), request.experiment))
            request.console.print(f"what was measured: {folder}", markup=False, highlight=False, soft_wrap=True)
        raise
    judged = conclude(read_record(folder), request.experiment)
    _mark_predictions(judged, request.console)
    return folder, judged.verdict


def _mark_predictions(record: Record, console: Console) -> None:
    """Put predicted beside measured on the boards, where a Grafana showed the run that goes on when it is over."""
    url = record.manifest.get("grafana")
    where = find_grafana(urlsplit(url).netloc) if url else None
    if where is None:
        return
    try:
        for region in prediction_marks(record.manifest, record.verdict):
            annotate(where, region)
    except Problem as problem:
        console.print(f"{problem}; predictions are in the report alone", markup=False, highlight=False, soft_wrap=True)


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


async def _measure(request: Request, run: Run, system: System) -> None:
    names = [arm.name for arm in request.arms]
    total_s = request.experiment.durations.total_s * len(names)
    progress = LiveProgress(request.console, request.experiment.name, names, total_s, quiet=request.quiet)
    if others := other_owners():
        # Not refused: a lab that stands idle beside it takes next to nothing.
        told = f"another rulezero has a system up (process {', '.join(map(str, others))}); each may measure the other"
        request.console.print(told, markup=False, highlight=False, soft_wrap=True)
        run.manifest["beside"] = others
    with progress:
        async with system.open(run.folder) as lab:
            say = partial(request.console.print, markup=False, highlight=False, soft_wrap=True)
            if lab.observers.prometheus and not request.quiet:
                grafana = f", Grafana at http://{lab.observers.grafana}" if lab.observers.grafana else ""
                say(f"Prometheus at http://{lab.observers.prometheus}{grafana}")
            await run_experiment(run, lab, progress, warn=say)


def _system(request: Request) -> System:
    """Return what the experiment runs against. Raises Problem where something of it is missing or malformed."""
    root = checkout.require_checkout()
    if request.experiment.own is not None:
        return _own_system(request, request.experiment.own)
    description = read_description(root / request.experiment.lab, root)
    processes = [service.name for service in description.services]
    if request.target == COMPOSE:
        asyncio.run(_require_containers(request, description))
        return System(processes, lambda folder: open_compose(description, logs=folder / LOGS))
    make_plan(description)

    def open_here(folder: Path) -> AbstractAsyncContextManager[Target]:
        observe = for_a_run(folder / SAMPLES) if request.prometheus else NOTHING
        return open_lab(description, logs=folder / LOGS, seed=request.seed, observe=observe)

    return System(processes, open_here)


def _own_system(request: Request, own: OwnSystem) -> System:
    for option, given in (("--target", request.target != EMBEDDED), ("--prometheus", request.prometheus)):
        if given:
            raise UsageProblem(f"{own.path} says what is started; leave {option} out")
    return System(own.scraped, lambda folder: open_own(own, logs=folder / LOGS, seed=request.seed))


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
        told = f"{error.filename or 'the record'}: {error.strerror}"
        raise StorageProblem(f"{told}; free some space or choose another --out") from None
