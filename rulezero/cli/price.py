"""rulezero price: what each defence costs when nothing is wrong."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rulezero.cli.output import new_console
from rulezero.cli.run import add_series_arguments, names
from rulezero.cli.targets import targeted
from rulezero.errors import EXIT_SUPPORTED, EXIT_UNKNOWN, UsageProblem

if TYPE_CHECKING:
    from rulezero.cli.measuring import Measuring
    from rulezero.series import Series

NAME = "price"
HELP = "what each defence costs when nothing is wrong, with intervals over rounds (exit: 0 measured, 2 cannot say)"
EXAMPLE = "rulezero price --defences timeout,retry,circuit_breaker --rounds 5"
EXPERIMENT = "no_fault"
FILE = "price.json"
_ROUNDS, _ROUNDS_MAX = 5, 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--defences", type=names, default=(), help="names, separated by commas; default: all")
    parser.add_argument("--rounds", type=int, help=f"how often all of them are run (default: {_ROUNDS})")
    parser.add_argument("--table", type=Path, metavar="FOLDER", help="print the table of a series for docs/price.md")
    add_series_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    if arguments.table is not None:
        from rulezero.report.price import table

        sys.stdout.write(table(_read_prices(arguments.table)))
        return EXIT_SUPPORTED
    if arguments.rounds is not None and not 1 <= arguments.rounds <= _ROUNDS_MAX:
        raise UsageProblem(f"--rounds must be 1 to {_ROUNDS_MAX}, not {arguments.rounds}; correct it")
    measuring = _resumed(arguments) if arguments.resume is not None else _begun(arguments)
    with measuring.to_go_on_with():
        _measure(measuring, measuring.series.asked["rounds"])
    return show(measuring.folder, measuring.series, as_json=arguments.json)


def show(folder: Path, series: "Series", *, as_json: bool) -> int:
    """Write price.json and report.md of a series from its figures, print the list, and return the exit status."""
    from rulezero.report.price import print_prices

    prices = conclude(folder, series)
    if as_json:
        sys.stdout.write(orjson.dumps(prices, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_prices(prices, new_console(), folder=str(folder))
    measured = all(row["rounds"] > 1 for row in prices["prices"])
    return EXIT_SUPPORTED if measured else EXIT_UNKNOWN


def conclude(folder: Path, series: "Series") -> dict[str, Any]:
    """Write price.json and report.md of a series from its figures; return the former. Raises StorageProblem."""
    from rulezero.analysis.price import price_list
    from rulezero.record import write_json, write_text
    from rulezero.report.price import report

    prices = price_list(series)
    write_json(folder / FILE, prices)
    write_text(folder / "report.md", report(prices))
    return prices


def read(folder: Path) -> "Series":
    """Return a series of this verb. Raises UsageProblem."""
    from rulezero.analysis.price import Asked
    from rulezero.series import asked_as, read_series

    series = read_series(folder, NAME)
    asked_as(series, Asked)
    return series


def _measure(measuring: "Measuring", rounds: int) -> None:
    """Run the rounds that are missing; what was measured is concluded after each, so that an end leaves it."""
    from rulezero import checkout
    from rulezero.analysis.price import arms_for, orders
    from rulezero.cli.measuring import comparing

    series = measuring.series
    experiment = measuring.experiment
    arms = checkout.choose_arms(experiment, tuple(arms_for(series.asked["defences"])))
    by_name = {arm.name: arm for arm in arms}
    done = {entry.key for entry in series.entries if entry.more}
    left = [number for number in range(rounds) if _key(number) not in done]
    measuring.announce(len(left), len(arms))
    for number in left:
        order = [by_name[name] for name in orders(list(by_name), number)]
        measuring.run(_key(number), comparing(experiment, arms), order, series.asked["seed"] + number)
        _add_figures(measuring)
        conclude(measuring.folder, series)


def _add_figures(measuring: "Measuring") -> None:
    """Add what the list goes by to the run that has just ended."""
    import msgspec

    from rulezero.analysis.price_figures import price_figures
    from rulezero.record import read_record
    from rulezero.series import write_series

    entries = measuring.series.entries
    figures = price_figures(read_record(measuring.folder / entries[-1].record))
    entries[-1] = msgspec.structs.replace(entries[-1], more=figures)
    write_series(measuring.folder, measuring.series)


def _key(number: int) -> str:
    return f"round-{number + 1}"


def _begun(arguments: argparse.Namespace) -> "Measuring":
    from rulezero.analysis.beside import CONTROL
    from rulezero.cli.executing import requested
    from rulezero.cli.experiments import noted
    from rulezero.cli.measuring import begin

    request = requested(arguments, EXPERIMENT, (), new_console(stderr=arguments.json))
    known = [arm.name for arm in request.arms if arm.name != CONTROL]
    defences = list(dict.fromkeys(arguments.defences)) or known
    for name in defences:
        if name not in known:
            raise UsageProblem(f"{name!r} is not a defence; there are: {', '.join(known)}")
    asked = {
        "defences": defences,
        "rounds": _ROUNDS if arguments.rounds is None else arguments.rounds,
        "seed": arguments.seed,
        "target": arguments.target,
        "definition": noted(request.experiment)["definition"],
    }
    return begin(NAME, request, asked, _reproduce(asked, known))


def _reproduce(asked: Mapping[str, Any], known: Sequence[str]) -> str:
    chosen = f" --defences {','.join(asked['defences'])}" if asked["defences"] != list(known) else ""
    return targeted(f"rulezero {NAME}{chosen} --rounds {asked['rounds']} --seed {asked['seed']}", asked["target"])


def _resumed(arguments: argparse.Namespace) -> "Measuring":
    """Return a series to go on with; its defences, seed and target stay, and rounds may be added."""
    from rulezero.analysis.beside import CONTROL
    from rulezero.cli.measuring import resumed

    if arguments.defences:
        raise UsageProblem("a series goes on with the defences that it began with; leave --defences out")
    series = read(arguments.resume)
    measuring = resumed(arguments, series)
    series.asked["rounds"] = max(arguments.rounds or 0, series.asked["rounds"])
    known = [arm.name for arm in measuring.experiment.arms if arm.name != CONTROL]
    series.reproduce = _reproduce(series.asked, known)
    return measuring


def _read_prices(folder: Path) -> dict[str, Any]:
    """Return price.json of a series, or of what was kept of one. Raises UsageProblem."""
    try:
        prices = orjson.loads((folder / FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        prices = None
    if not isinstance(prices, dict) or "prices" not in prices:
        raise UsageProblem(f"{folder} has no price list ({FILE}); name a folder that `rulezero {NAME}` made")
    return prices
