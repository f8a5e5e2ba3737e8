"""rulezero up, status, down: a lab that stays up, for experiments by hand."""

import argparse
import asyncio
from types import SimpleNamespace

from rich.console import Console

from rulezero import checkout
from rulezero.cli.output import new_console
from rulezero.lab import standing
from rulezero.lab.description import ShopDescription, read_description
from rulezero.lab.standing import Condition, State


def _description() -> ShopDescription:
    root = checkout.require_checkout()
    return read_description(root / checkout.SHOP, root)


def _nothing(_: argparse.ArgumentParser) -> None:
    """Add no options."""


def _up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="where the shop listens (default: any free port)")


def _up(arguments: argparse.Namespace) -> int:
    state = asyncio.run(standing.up(_description(), port=arguments.port))
    console = new_console()
    _print_state(console, state)
    console.print(
        f"\nload by hand:      locust -f loadtests/shop.py -H http://{state.entry}"
        f"\nadd a toxic:       any Toxiproxy client, at http://{state.toxiproxy_api}"
        f"\ntoggle defences:   edit {checkout.DEFENCES}, or: rulezero defences preset all"
        "\nend it:            rulezero down",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _status(_: argparse.Namespace) -> int:
    condition, state = standing.status(checkout.require_checkout())
    console = new_console()
    console.print(f"the lab is {_WORDS[condition]}", highlight=False)
    if state is not None and condition is Condition.RUNNING:
        _print_state(console, state)
    return 0 if condition is Condition.RUNNING else 1


def _down(_: argparse.Namespace) -> int:
    condition = asyncio.run(standing.down(checkout.require_checkout()))
    new_console().print("the lab is down" if condition is not Condition.STOPPED else "no lab was up", highlight=False)
    return 0


_WORDS = {
    Condition.RUNNING: "up",
    Condition.STARTING: "starting",
    Condition.DIED: "dead: it ended without `rulezero down`; its parts are gone, `rulezero up` starts it again",
    Condition.STOPPED: "down; `rulezero up` starts it",
}


def _print_state(console: Console, state: State) -> None:
    lines = [
        ("shop (through its link)", f"http://{state.entry}"),
        ("Toxiproxy API", f"http://{state.toxiproxy_api}"),
        ("PostgreSQL primary", state.primary),
        ("PostgreSQL standby", state.standby),
        ("cache", state.cache),
        *([("queue", state.queue)] if state.queue else []),
        *([("Prometheus", f"http://{state.prometheus}")] if state.prometheus else []),
        *([("Grafana", f"http://{state.grafana}")] if state.grafana else []),
        *((f"{name} admin", f"http://{address}/metrics") for name, address in sorted(state.admin.items())),
        *((f"link {name}", address) for name, address in sorted(state.links.items())),
        ("logs", state.logs),
        *(("ended by itself", f"{name}; see its log") for name in state.dead),
    ]
    for name, value in lines:
        # An address that is cut or broken over two lines cannot be copied.
        console.print(f"{name:<24} {value}", highlight=False, markup=False, soft_wrap=True)


up = SimpleNamespace(
    NAME="up",
    HELP="start the lab and leave it up; prints every address",
    EXAMPLE="rulezero up",
    add_arguments=_up_arguments,
    execute=_up,
)
status = SimpleNamespace(
    NAME="status",
    HELP="say whether the lab is up, and where (exit: 0 up, 1 not)",
    EXAMPLE="rulezero status",
    add_arguments=_nothing,
    execute=_status,
)
down = SimpleNamespace(
    NAME="down",
    HELP="end the lab that `rulezero up` started",
    EXAMPLE="rulezero down",
    add_arguments=_nothing,
    execute=_down,
)
