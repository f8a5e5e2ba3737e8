"""rulezero defences: show the defences file, or change it; running services follow within a second."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from rich.table import Table

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.defences import CATALOGUE
from rulezero.errors import UsageProblem
from rulezero.toggles.presets import PRESETS, preset, without_naive
from rulezero.toggles.settings import Toggle, Toggles, parse
from rulezero.toggles.store import parse_file

NAME = "defences"
HELP = "show the defences, set one, or apply a preset; writes services/config/defences.toml, which services reload"
EXAMPLE = """rulezero defences show
         rulezero defences set circuit_breaker enabled=true open_s=2
         rulezero defences set timeout.payment timeout_s=0.3
         rulezero defences preset all"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print every defence and its numbers")
    show.set_defaults(action=_show)
    setting = actions.add_parser("set", help="change one defence")
    setting.add_argument("defence", help="a name, or NAME.DEPENDENCY for the calls to one dependency")
    setting.add_argument("values", nargs="+", metavar="KEY=VALUE", help="VALUE as in TOML; strings may go unquoted")
    setting.set_defaults(action=_set)
    presetting = actions.add_parser("preset", help="switch to a named set")
    presetting.add_argument("preset", help=", ".join(PRESETS))
    presetting.set_defaults(action=_preset)
    for action in (show, setting, presetting):
        action.add_argument("--file", type=Path, default=checkout.DEFENCES, help="default: %(default)s")


def execute(arguments: argparse.Namespace) -> int:
    """Run the action."""
    status: int = arguments.action(arguments)
    return status


def _show(arguments: argparse.Namespace) -> int:
    _print(parse_file(arguments.file))
    return 0


def _set(arguments: argparse.Namespace) -> int:
    document = _document(arguments.file)
    name, _, dependency = arguments.defence.partition(".")
    table = document.setdefault(name, tomlkit.table())
    if dependency:
        table = table.setdefault("dependency", tomlkit.table(is_super_table=True))
        table = table.setdefault(dependency, tomlkit.table())
    for assignment in arguments.values:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise UsageProblem(f"{assignment!r} is not KEY=VALUE; as in: enabled=true")
        table[key] = _value(text)
    _write(arguments.file, document)
    return 0


def _preset(arguments: argparse.Namespace) -> int:
    toggles = preset(without_naive(parse_file(arguments.file)), arguments.preset)
    document = _document(arguments.file)
    for name, toggle in toggles.items():
        _update(document.setdefault(name, tomlkit.table()), toggle)
    _write(arguments.file, document)
    return 0


def _update(table: Any, toggle: Toggle) -> None:
    """Write what differs from the defaults; what is there already is kept in its place, comments too."""
    table["enabled"] = toggle.enabled
    _update_numbers(table, toggle.config, type(toggle.config)())
    for dependency, config in toggle.per_dependency.items():
        _update_numbers(table["dependency"][dependency], config, toggle.config)


def _update_numbers(table: Any, config: Any, default: Any) -> None:
    usual = msgspec.to_builtins(default)
    for key, value in msgspec.to_builtins(config).items():
        if value is not None and (key in table or value != usual[key]):
            table[key] = value


def _document(path: Path) -> Any:
    parse_file(path)  # Says in one line what is wrong with it.
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None


def _write(path: Path, document: Any) -> None:
    from rulezero.record import write_text

    text = tomlkit.dumps(document)
    toggles = parse(text, source=str(path))
    write_text(path, text)
    _print(toggles)


def _value(text: str) -> Any:
    try:
        return tomlkit.parse(f"value = {text}")["value"]
    except tomlkit.exceptions.ParseError:
        return text


def _print(toggles: Toggles) -> None:
    table = Table("defence", "on", "numbers", box=None, pad_edge=False)
    for defence in CATALOGUE:
        toggle = toggles[defence.name]
        table.add_row(defence.name, "yes" if toggle.enabled else "no", _numbers(msgspec.to_builtins(toggle.config)))
        for dependency, config in toggle.per_dependency.items():
            table.add_row("", "", f"{dependency}: {_numbers(_changed(config, toggle.config))}")
    new_console().print(table, highlight=False)


def _changed(config: Any, base: Any) -> Mapping[str, Any]:
    common = msgspec.to_builtins(base)
    return {key: value for key, value in msgspec.to_builtins(config).items() if value != common[key]}


def _numbers(numbers: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in numbers.items() if value is not None)
