"""The manifest: everything one needs to know to read a record or to run it again."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psutil

from rulezero.experiment import Arm, Experiment

_PACKAGES = ("aiohttp", "asyncpg", "locust", "nats-py", "redis", "starlette", "uvicorn", "uvloop")


def new_manifest(experiment: Experiment, arms: Sequence[Arm], seed: int, processes: Sequence[str]) -> dict[str, Any]:
    """Return the manifest of a run that has not begun; it counts as interrupted until it is told otherwise."""
    names = ",".join(arm.name for arm in arms)
    return {
        "rulezero": version("rulezero"),
        "experiment": experiment.name,
        "variant": plain(experiment.variant),
        "question": experiment.question,
        "prediction": experiment.prediction,
        "seed": seed,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "control": experiment.control.name,
        "arms": [],
        "windows": [list(window) for window in experiment.durations.windows()],
        "streams": [plain(asdict(stream)) for stream in experiment.streams],
        "bursts": [plain(asdict(burst)) for burst in experiment.bursts],
        "closed": [plain(asdict(user)) for user in experiment.closed],
        "services": plain(experiment.services),
        "faults": [],
        "processes": list(processes),
        "host": {
            "cores": usable_cores(),
            "memory_bytes": psutil.virtual_memory().total,
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in _PACKAGES},
        "reproduce": _reproduce(experiment, names, seed),
        "interrupted": True,
        "exits": [],
    }


def _reproduce(experiment: Experiment, names: str, seed: int) -> str:
    """Return the command line that makes the same run; a point of a sweep is a sweep of one point."""
    if not experiment.variant:
        return f"rulezero run {experiment.asked_as} --arms {names} --seed {seed}"
    point = " ".join(f"--vary {name}={value:.10g}" for name, value in experiment.variant.items())
    return f"rulezero sweep {experiment.asked_as} --arm {names} {point} --seed {seed}"


def usable_cores() -> int:
    """Return how many cores this process may use, which a container may make fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def arm_entry(arm: Arm) -> dict[str, Any]:
    """Return what the manifest says of an arm before it ran."""
    return {
        "name": arm.name,
        "defences": list(arm.defences),
        "numbers": plain(arm.numbers),
        "services": plain(arm.services),
        "preset": arm.preset,
    }


def plain(value: Any) -> Any:
    """Return the value with plain dicts and lists, as JSON has them."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(one) for one in value]
    return value
