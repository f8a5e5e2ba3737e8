"""Named sets of defences: none, naive, all, and one per defence."""

import reprlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rulezero.errors import UsageProblem
from rulezero.toggles.settings import NAMES, Toggles, defaults, merge

# What people usually write first: the timeout their own caller has, and quick, unjittered retries at every layer.
NAIVE: Mapping[str, Any] = {
    "timeout": {"enabled": True, "timeout_s": 1.0},
    "retry": {
        "enabled": True,
        "attempts_max": 3,
        "base_s": 0.05,
        "multiplier": 1.0,
        "jitter": "none",
        "callers": ["edge", "checkout"],
        "nested": True,
        "non_idempotent": True,
    },
}

PRESETS = ("none", "naive", "all", *NAMES)


def preset(base: Toggles, name: str) -> Toggles:
    """Return the toggles of a preset; numbers it does not set are those of `base`.

    Raises:
        UsageProblem: There is no such preset.

    """
    if name not in PRESETS:
        raise UsageProblem(f"{reprlib.repr(name)} is not a preset; there are: {', '.join(PRESETS)}")
    on = {"none": (), "naive": (), "all": NAMES}.get(name, (name,))
    switched = enable(base, on)
    return merge(switched, NAIVE) if name == "naive" else switched


def without_naive(base: Toggles) -> Toggles:
    """Return `base` with the numbers of the naive preset, where it has them, back at their defaults.

    A file that held "naive" would otherwise pass its numbers on to the next preset.
    """
    cleaned = dict(base)
    for name, numbers in NAIVE.items():
        own = {key: value for key, value in numbers.items() if key != "enabled"}
        naive, standard = merge(base, {name: own})[name], defaults()[name].config
        if naive.config == base[name].config:
            apart = {
                dependency: standard if naive.per_dependency[dependency] == config else config
                for dependency, config in base[name].per_dependency.items()
            }
            cleaned[name] = replace(base[name], config=standard, per_dependency=apart)
    return cleaned


def enable(base: Toggles, names: tuple[str, ...]) -> Toggles:
    """Return `base` with exactly these defences on.

    Raises:
        UsageProblem: A name is not a defence.

    """
    for name in names:
        if name not in NAMES:
            raise UsageProblem(f"{reprlib.repr(name)} is not a defence; there are: {', '.join(NAMES)}")
    return {name: replace(toggle, enabled=name in names) for name, toggle in base.items()}
