"""The defences file (TOML) to one frozen object, with errors that name key and line.

One table per defence: `enabled` and its numbers; `[NAME.dependency.DEPENDENCY]` overrides numbers for one dependency.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from rulezero.defences import CATALOGUE
from rulezero.errors import UsageProblem

NAMES = tuple(defence.name for defence in CATALOGUE)
_CONFIG_TYPES: dict[str, Any] = {defence.name: defence.config_type for defence in CATALOGUE}


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
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{source}: not valid TOML: {error}; correct that line") from None
    try:
        return merge(defaults(), tables)
    except UsageProblem as problem:
        raise UsageProblem(f"{source}{_line_of(text, str(problem))}: {problem}") from None


def merge(base: Toggles, tables: Mapping[str, Any]) -> Toggles:
    """Return `base` with the given tables laid over it; keys that a table does not name stay.

    Raises:
        UsageProblem: An unknown defence or key, or a value of the wrong kind or out of range.

    """
    toggles = dict(base)
    for name, table in tables.items():
        if name not in _CONFIG_TYPES:
            raise UsageProblem(f"[{name}] is not a defence; there are: {', '.join(NAMES)}")
        if not isinstance(table, Mapping):
            raise UsageProblem(f"[{name}] must be a table, as in: [{name}] enabled = true")
        toggles[name] = _merge_one(name, toggles[name], table)
    return toggles


def _merge_one(name: str, base: Toggle, table: Mapping[str, Any]) -> Toggle:
    numbers = dict(table)
    enabled = numbers.pop("enabled", base.enabled)
    if not isinstance(enabled, bool):
        raise UsageProblem(f"[{name}] enabled must be true or false, not {enabled!r}")
    overrides = numbers.pop("dependency", {})
    if not isinstance(overrides, Mapping) or not all(isinstance(one, Mapping) for one in overrides.values()):
        raise UsageProblem(f"[{name}] dependency must hold tables, as in: [{name}.dependency.payment]")
    config = _convert(name, base.config, numbers, where=f"[{name}]")
    per_dependency = {
        **{key: _convert(name, old, numbers, where=f"[{name}]") for key, old in base.per_dependency.items()},
        **{key: _convert(name, config, one, where=f"[{name}.dependency.{key}]") for key, one in overrides.items()},
    }
    return replace(base, enabled=enabled, config=config, per_dependency=per_dependency)


def _convert(name: str, base: Any, numbers: Mapping[str, Any], *, where: str) -> Any:
    try:
        return msgspec.convert({**msgspec.to_builtins(base), **numbers}, _CONFIG_TYPES[name], strict=True)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise UsageProblem(f"{where} {_plain(error)}") from None


def _plain(error: Exception) -> str:
    """Turn msgspec's "... - at `$.permits`" into "permits: ..."."""
    found = re.fullmatch(r"(.*) - at `\$\.?([^`]*)`", str(error), re.DOTALL)
    return f"{found[2]}: {found[1]}" if found and found[2] else str(error)


def _line_of(text: str, message: str) -> str:
    """Return ", line N" for the line that a message about "[table] key ..." speaks of, or nothing."""
    found = re.match(r"\[([^\]]+)\]\s*(?:Object contains unknown field `)?(\w+)?", message)
    if not found:
        return ""
    table, key, table_line, inside = found[1], found[2], 0, False
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\]]+)\]", line):
            inside = header[1].strip() == table
            table_line = number if inside else table_line
        elif inside and key and re.match(rf"\s*{re.escape(key)}\s*=", line):
            return f", line {number}"
    return f", line {table_line}" if table_line else ""
