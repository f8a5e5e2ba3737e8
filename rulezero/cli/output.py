"""The console that verbs print to."""

import os

from rich.console import Console


class QuietOnClosedPipe(Console):
    """Falls silent when nobody reads any more, as in `rulezero list | head -1`.

    Rich itself would end the process with 1, which here means that a prediction was refuted. A run goes on to its end
    and leaves its record, and the exit status stays what it is.
    """

    def on_broken_pipe(self) -> None:
        """Print nothing from now on, and have what is still buffered go nowhere."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def new_console(*, stderr: bool = False) -> Console:
    """Return a console for standard output or standard error."""
    return QuietOnClosedPipe(stderr=stderr)
