"""From the text of the file to an experiment."""

import tomllib
from pathlib import Path

import msgspec

from rulezero.checks import control_fails, keeps_goodput, loses_goodput
from rulezero.errors import UsageProblem
from rulezero.experiment import Arm, Check, Durations, Experiment, HttpRequest, Keys, Stream
from rulezero.faults import Toxic, Trace
from rulezero.lab.services import EVERY
from rulezero.load.targets import check_target
from rulezero.own_file.problems import host_of, problems
from rulezero.own_file.tables import CheckTable, FaultTable, FileTable, RouteTable
from rulezero.own_system import Hop, OwnSystem, Process

LOCUSTFILE = "loadtests/own.py"


def read_own(path: Path) -> Experiment:
    """Return the experiment that a file describes.

    Raises:
        UsageProblem: Something in it is wrong, and where; or it leads to another machine without leave.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} cannot be read ({error}); name a TOML file") from None
    experiment = experiment_from(text, path)
    if experiment.own is not None:
        _require_allowed(experiment.own)
    return experiment


def experiment_from(text: str, path: Path) -> Experiment:
    """Return the experiment that such a text describes, wherever it leads. Raises UsageProblem."""
    try:
        described = msgspec.convert(tomllib.loads(text), FileTable)
    except msgspec.ValidationError as error:
        raise UsageProblem(f"{path}: {error}; correct that key") from None
    except (ValueError, RecursionError) as error:  # A ValueError as such: a number of over 4300 digits.
        raise UsageProblem(f"{path} is not TOML: {error}; correct that line") from None
    for where, problem in problems(described, path):
        raise UsageProblem(f"{path}: {problem} - at `{where}`; correct that key")
    return _experiment(described, _system(described, path, text), path)


def _system(file: FileTable, path: Path, text: str) -> OwnSystem:
    return OwnSystem(
        path=str(path),
        text=text,
        folder=str(path.absolute().parent),
        target=host_of(file.target.url),
        health=file.target.health,
        hops=tuple(Hop(name=hop.name, upstream=hop.upstream, listen=hop.listen) for hop in file.hops),
        processes=tuple(
            Process(name=one.name, command=tuple(one.command), env=one.env, ready=one.ready) for one in file.processes
        ),
        metrics_url=file.metrics.url if file.metrics else "",
    )


def _experiment(file: FileTable, system: OwnSystem, path: Path) -> Experiment:
    arms = tuple(Arm(name=arm.name, services={EVERY: arm.env} if arm.env else {}) for arm in file.arms)
    name = file.name or path.stem
    return Experiment(
        name=name,
        question=file.question or f"What do users of {name} get while a dependency fails, and afterwards?",
        prediction=file.prediction,
        streams=tuple(_stream(route, file) for route in file.routes),
        arms=arms,
        demo_arms=tuple(arm.name for arm in arms),
        faults=tuple(_toxic(fault) for fault in file.faults),
        checks=tuple(_check(check, file) for check in file.checks),
        objective=file.slo.objective,
        own=system,
        locustfile=LOCUSTFILE,
        event_loops=False,
        durations=Durations(**msgspec.structs.asdict(file.phases)),
    )


def _stream(route: RouteTable, file: FileTable) -> Stream:
    """Return a stream whose requests name the target as the user wrote it: the link's address is nobody's name."""
    host = {"Host": file.target.url.removeprefix("http://").rstrip("/")}
    own = {"Host" if name.lower() == "host" else name: value for name, value in route.headers.items()}
    return Stream(
        route=route.name,
        rate_rps=route.rate_rps,
        deadline_s=file.slo.deadline_s,
        keys=Keys(low=route.keys.low, high=route.keys.high, skew=route.keys.skew),
        request=HttpRequest(method=route.method, path=route.path, body=route.body, headers={**host, **own}),
    )


def _toxic(fault: FaultTable) -> Toxic:
    return Toxic(
        link=fault.hop, type=fault.type, signature=Trace(), attributes=fault.attributes, stream=fault.stream,
        toxicity=fault.toxicity, at_s=fault.at_s, for_s=fault.for_s,
    )  # fmt: skip


def _check(check: CheckTable, file: FileTable) -> Check:
    """Return a check; that the first of several arms falls is asked of the run, not of its defences."""
    if check.at_least is not None:
        return keeps_goodput(check.arm, phase=check.phase, at_least=check.at_least, route=check.route)
    at_most = check.at_most or 0.0
    if check.arm == file.arms[0].name and len(file.arms) > 1 and check.route is None:
        return control_fails(check.arm, phase=check.phase, at_most=at_most)
    return loses_goodput(check.arm, phase=check.phase, at_most=at_most, route=check.route)


def _require_allowed(system: OwnSystem) -> None:
    """Refuse to send load to a machine that is neither this one nor allowed by name; a hop passes it on."""
    ready = [process.ready for process in system.processes if process.ready]
    for address in (system.target, *(hop.upstream for hop in system.hops), *ready):
        check_target(f"http://{address}")
    if system.metrics_url:
        check_target(f"http://{host_of(system.metrics_url)}")
