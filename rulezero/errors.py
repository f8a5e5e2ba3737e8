"""What goes wrong outside the system under test, and the exit status it ends in.

0 supported, 1 refuted, 2 unknown or invalid, 64 wrong use, 69 something the machine lacks, 74 a file could not be
written or read, 70 a defect of rulezero, 130 interrupted (numbers from 64 on after BSD's sysexits.h).
"""

EXIT_SUPPORTED = 0
EXIT_REFUTED = 1
EXIT_UNKNOWN = 2
EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
EXIT_DEFECT = 70
EXIT_IO = 74
EXIT_INTERRUPTED = 130

_CHARACTERS_MAX = 4000

EXIT_OF_VERDICT = {"supported": EXIT_SUPPORTED, "refuted": EXIT_REFUTED, "unknown": EXIT_UNKNOWN}


class Problem(Exception):
    """One line for the user: it names the thing and the remedy.

    The command line prints it and exits with `status`.
    """

    status = EXIT_UNAVAILABLE

    def __init__(self, message: str) -> None:
        # What it quotes, a key of somebody's file or an error of a library, may have line breaks, or no end.
        line = " ".join(message.splitlines())
        half = _CHARACTERS_MAX // 2
        super().__init__(line if len(line) <= _CHARACTERS_MAX else f"{line[:half]} ... {line[-half:]}")


class UsageProblem(Problem):
    """The user asked for something that does not exist or is malformed."""

    status = EXIT_USAGE


class StorageProblem(Problem):
    """A record could not be written: no space, no permission."""

    status = EXIT_IO
