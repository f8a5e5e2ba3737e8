"""What a manifest must hold for its record to be judged; more may be there.

A record is a folder that people copy, cut and edit: what is missing is told once, here, and not by whoever reads it.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from rulezero.errors import UsageProblem
from rulezero.experiment import MEASURED, PHASES, Experiment
from rulezero.record import Record

_Seconds = Annotated[float, Meta(ge=0)]


class _Arm(TypedDict):
    name: str
    defences: list[str]
    origin_total: NotRequired[float]
    origin_operation: NotRequired[str]
    ledger: NotRequired[dict[str, float]]
    services: NotRequired[dict[str, dict[str, str]]]


class _Stream(TypedDict):
    route: str
    rate_rps: float
    deadline_s: _Seconds
    crosses: list[str]


class _Burst(TypedDict):
    route: str
    at_s: _Seconds
    count: int
    deadline_s: _Seconds


class _Fault(TypedDict):
    arm: str
    text: str
    kind: str
    start_s: float
    end_s: float | None


class _Exit(TypedDict):
    arm: str
    part: str
    status: str
    log_tail: str


class _Host(TypedDict):
    cores: Annotated[int, Meta(gt=0)]
    memory_bytes: NotRequired[int]


class _Manifest(TypedDict):
    seed: int
    control: str
    arms: list[_Arm]
    windows: list[tuple[str, float, float]]
    streams: list[_Stream]
    bursts: list[_Burst]
    faults: list[_Fault]
    processes: list[str]
    host: _Host
    versions: NotRequired[dict[str, str]]
    interrupted: bool
    exits: list[_Exit]


def require_judgeable(record: Record) -> None:
    """Check that a manifest holds what the analysis looks up. Raises UsageProblem."""
    if (problem := _problem_of(record.manifest)) is not None:
        raise UsageProblem(f"{record.folder}/manifest.json: {problem}; run the experiment again")


@contextmanager
def asked_by(experiment: Experiment, record: Record) -> Iterator[None]:
    """Turn a figure that an experiment asks for and the record has not into a UsageProblem: its definition changed."""
    try:
        yield
    except KeyError as missing:
        raise UsageProblem(
            f"{record.folder} has no {missing}, which {experiment.name} goes by today; run the experiment again"
        ) from missing


def _problem_of(manifest: Mapping[str, Any]) -> str | None:
    try:
        checked = msgspec.convert(manifest, _Manifest)
    except msgspec.ValidationError as error:
        return str(error)
    names = [arm["name"] for arm in checked["arms"]]
    if len(set(names)) != len(names):
        return "an arm is there twice - at `$.arms`"
    if any(("origin_total" in arm) != ("origin_operation" in arm) for arm in checked["arms"]):
        return "loads at the origin need their total and their operation - at `$.arms`"
    return _problem_of_windows(checked["windows"])


def _problem_of_windows(windows: list[tuple[str, float, float]]) -> str | None:
    if tuple(name for name, _, _ in windows) != PHASES:
        return f"the phases must be {', '.join(PHASES)} - at `$.windows`"
    edges = [edge for _, *window in windows for edge in window]
    lasting = all(end_s > start_s for name, start_s, end_s in windows if name in MEASURED)
    if edges != sorted(edges) or not lasting or not math.isfinite(edges[-1]):
        return "phases must follow one another - at `$.windows`"
    return None
