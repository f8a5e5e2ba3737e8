"""The flags of the original server, with one dash or two."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from rulezero.errors import UsageProblem
from rulezero.toxiproxy.addresses import PORT_MAX

_TRUTHS: Final = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line says."""

    host: str
    port: int
    config: Path | None
    seed: int | None
    version: bool
    proxy_metrics: bool
    runtime_metrics: bool


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        """Tell the user in one line."""
        raise UsageProblem(f"{message}; see rulezero toxiproxy -help")


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the flags; raise `UsageProblem`."""
    parser = _Parser(
        prog="rulezero toxiproxy",
        description="Serve Toxiproxy's HTTP API.",
        epilog="example: rulezero toxiproxy -port 8474 -config toxics/links.json",
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "-help", "--help", action="help", help="show this text")
    parser.add_argument("-host", "--host", default="localhost", help="host the API listens on (%(default)s)")
    parser.add_argument("-port", "--port", type=_port, default=8474, help="port of the API (%(default)s)")
    parser.add_argument("-config", "--config", type=_path, help="JSON file of proxies to create at the start")
    parser.add_argument("-seed", "--seed", type=int, help="seed of the toxics' chance (default: random)")
    for flag, meaning in (
        ("version", "print the version"),
        ("proxy-metrics", "count the bytes of each proxy on /metrics"),
        ("runtime-metrics", "show the process on /metrics"),
    ):
        parser.add_argument(f"-{flag}", f"--{flag}", type=_truth, nargs="?", const=True, default=False, help=meaning)
    return Arguments(**vars(parser.parse_args(list(argv))))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= PORT_MAX:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return port


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _truth(text: str) -> bool:
    try:
        return _TRUTHS[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"{text} is neither true nor false") from None
