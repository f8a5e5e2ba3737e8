"""rulezero toxiproxy: the embedded Toxiproxy by itself, with the real server's flags."""

import argparse
from collections.abc import Sequence

NAME = "toxiproxy"
HELP = "run the embedded Toxiproxy by itself (flags as the real server's: -host, -port, -config, ...)"
EXAMPLE = "rulezero toxiproxy -port 8474 -config toxics/links.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take whatever comes: the server reads its own flags."""
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="see: rulezero toxiproxy -help")


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    return run_server(arguments.flags)


def run_server(argv: Sequence[str]) -> int:
    """Serve until a signal ends it."""
    from rulezero.toxiproxy.server import main as serve

    return serve(argv)
