"""Where the system under test runs: as processes on loopback, or in the containers of compose.yaml."""

import argparse

EMBEDDED = "embedded"
COMPOSE = "compose"


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--target",
        choices=(EMBEDDED, COMPOSE),
        default=EMBEDDED,
        help="where the system runs: as processes, or in the containers of `make up` (default: %(default)s)",
    )


def targeted(line: str, target: str) -> str:
    """Return a command line that asks for this target."""
    return line if target == EMBEDDED else f"{line} --target {target}"
