"""The defences file (TOML) to one frozen object, with errors that name key and line.

One table per defence: `enabled` and its numbers; `[NAME.dependency.DEPENDENCY]` overrides numbers for one dependency.
"""

import re
import reprlib
import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import msgspec

from rulezero.defences import CATALOGUE
from rulezero.errors import UsageProblem

NAMES = tuple(defence.name for defence in CATALOGUE)
_CONFIG_TYPES: dict[str, Any] = {defence.name: defence.config_type for defence in CATALOGUE}
_PROBLEM_CHARACTERS_MAX = 300
_VALUE_CHARACTERS_MAX = 100
_VALUE_LINES_MAX = 100  # A value that spans more is not followed to its end: its line may then be told wrong.


class _Misfit(UsageProblem):
    """A problem of which one knows where in the tables it is."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, kw_only=True, slots=True)
class Toggle:
    """One defence: on or off, its numbers, and its numbers for single dependencies."""

    enabled: bool
    config: Any
    per_dependency: Mapping[str, Any] = field(default_factory=dict)

    def config_for(self, dependency: str) -> Any:
        """Return the numbers that hold for this dependency."""
        return self.per_dependency.get(dependency, self.config)


Toggles = Mapping[str, Toggle]


def defaults() -> Toggles:
    """Return every defence off, with its default numbers."""
    return {name: Toggle(enabled=False, config=_CONFIG_TYPES[name]()) for name in NAMES}


def parse(text: str, *, source: str) -> Toggles:
    """Return the toggles that a TOML text describes.

    Raises:
        UsageProblem: The text is not TOML, names no known defence, or a value is not allowed.

    """
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # A ValueError as such: a number of over 4300 digits.
        raise UsageProblem(f"{source}: not valid TOML: {_one_line(error)}; correct that line") from None
    try:
        return merge(defaults(), tables)
    except _Misfit as problem:
        raise UsageProblem(f"{source}, line {_line_of(text, problem.path)}: {problem}") from None


def merge(base: Toggles, tables: Mapping[str, Any]) -> Toggles:
    """Return `base` with the given tables laid over it; keys that a table does not name stay.

    Raises:
        UsageProblem: An unknown defence or key, or a value of the wrong kind or out of range.

    """
    toggles = dict(base)
    for name, table in tables.items():
        if name not in _CONFIG_TYPES:
            raise _Misfit(f"[{_shown(name)}] is not a defence; there are: {', '.join(NAMES)}", name)
        if not isinstance(table, Mapping):
            raise _Misfit(f"[{name}] must be a table, as in: [{name}] enabled = true", name)
        toggles[name] = _merge_one(name, toggles[name], table)
    return toggles


def _merge_one(name: str, base: Toggle, table: Mapping[str, Any]) -> Toggle:
    numbers = dict(table)
    enabled = numbers.pop("enabled", base.enabled)
    if not isinstance(enabled, bool):
        raise _Misfit(f"[{name}] enabled must be true or false, not {told(enabled)}", name, "enabled")
    overrides = numbers.pop("dependency", {})
    if not isinstance(overrides, Mapping) or not all(isinstance(one, Mapping) for one in overrides.values()):
        message = f"[{name}] dependency must hold tables, as in: [{name}.dependency.payment]"
        raise _Misfit(message, name, "dependency")
    config = _convert(base.config, numbers, name)
    per_dependency = {key: _convert(old, numbers, name) for key, old in base.per_dependency.items()}
    for key, one in overrides.items():
        per_dependency[key] = _convert(per_dependency.get(key, config), one, name, "dependency", key)
    return replace(base, enabled=enabled, config=config, per_dependency=per_dependency)


def _convert(base: Any, numbers: Mapping[str, Any], *path: str) -> Any:
    where = ".".join(_shown(part) for part in path)
    # msgspec passes over what a dataclass does not have.
    known = [one.name for one in fields(base)]
    for key in numbers:
        if key not in known:
            raise _Misfit(f"[{where}] {_shown(key)} is not a key; there are: {', '.join(known)}", *path, key)
    try:
        return msgspec.convert({**msgspec.to_builtins(base), **numbers}, type(base), strict=True)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        told = _plain(error)
        raise _Misfit(f"[{where}] {told}", *path, *re.findall(r"^\w+(?=[^:\s]*:)", told)) from None


def _plain(error: Exception) -> str:
    """Turn msgspec's "... - at `$.permits`" into "permits: ..."."""
    text = _one_line(error)
    found = re.fullmatch(r"(.*) - at `\$\.?([^`]*)`", text)
    return f"{found[2]}: {found[1]}" if found and found[2] else text


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _PROBLEM_CHARACTERS_MAX else f"... {text[-_PROBLEM_CHARACTERS_MAX:]}"


def told(value: object) -> str:
    """Return a value as it may stand in a message, whatever it holds."""
    text = reprlib.repr(value)  # Bounds each level; a nested one is still long.
    return text if len(text) <= _VALUE_CHARACTERS_MAX else f"{text[:_VALUE_CHARACTERS_MAX]}..."


def _shown(key: str) -> str:
    """Return a key as it may stand in a message, whatever it holds."""
    return key if re.fullmatch(r"[\w-]{1,60}", key) else reprlib.repr(key)


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line (from 1) on which the value at this path, or else what is nearest above it, begins.

    The parser tells no lines, so look for the shortest beginning of the text that holds the path.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    while path and not _holds(text, path):
        path = path[:-1]

    def holds(count: int) -> bool:
        for end in range(count, min(count + _VALUE_LINES_MAX, len(lines)) + 1):
            try:
                return _holds("\n".join(lines[:end]), path)
            except ValueError:
                continue  # Cut in the middle of a value.
        return False

    return min(bisect_left(range(1, len(lines) + 1), x=True, key=holds) + 1, len(lines))


def _holds(text: str, path: tuple[str, ...]) -> bool:
    inside: Any = tomllib.loads(text)
    for part in path:
        if not isinstance(inside, Mapping) or part not in inside:
            return False
        inside = inside[part]
    return True
