"""Verbs, usage and exit status; every problem of the user's ends here as one line."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from rulezero.cli import (
    aa,
    ab,
    defences,
    demo,
    doctor,
    gate,
    matrix,
    picture,
    price,
    report,
    run,
    standing,
    sweep,
    toxiproxy,
)
from rulezero.cli import list as list_verb
from rulezero.errors import EXIT_DEFECT, EXIT_INTERRUPTED, EXIT_IO, EXIT_USAGE, Problem

VERBS = (
    demo,
    run,
    report,
    picture,
    ab,
    aa,
    gate,
    matrix,
    price,
    sweep,
    list_verb,
    standing.up,
    standing.status,
    standing.down,
    defences,
    toxiproxy,
    doctor,
)


class Parser(argparse.ArgumentParser):
    """Ends with the status for wrong use, because 2 means that a run says nothing."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit."""
        self.exit(EXIT_USAGE, f"rulezero: {message}; see: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["toxiproxy"]:
        return toxiproxy.run_server(arguments[1:])  # It takes the real server's own flags.
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.verb(parsed)
        sys.stdout.flush()
    except Problem as problem:
        print(f"rulezero: {problem}", file=sys.stderr)  # noqa: T201 - the command line's own output.
        return problem.status
    except BrokenPipeError:
        # The reader of our output went away; what is still buffered must not be written at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_IO
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        print(f"rulezero: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)  # noqa: T201 - as above.
        return EXIT_IO
    except Exception:  # noqa: BLE001 - Python's own status would be 1, which is a verdict here.
        traceback.print_exc()
        return EXIT_DEFECT
    return status


def _parser() -> Parser:
    parser = Parser(
        prog="rulezero",
        description="What each defence buys under partial failure, measured.",
        epilog="example: rulezero run cascading_failure --arms none,circuit_breaker --seed 1",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        one = verbs.add_parser(
            verb.NAME,
            help=verb.HELP,
            description=verb.HELP,
            epilog=f"example: {verb.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_arguments(one)
        one.set_defaults(verb=verb.execute)
    return parser
