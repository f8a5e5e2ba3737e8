"""What a run tells while it goes: one live line on a terminal, plain lines where the output is piped.

Redrawn only when told something, without a thread of its own: the machine is busy with what is being measured.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from rulezero.moment import Moment
from rulezero.report.words import number, with_unit

LINE_EVERY_S = 5.0
_BAR_WIDTH = 24


class LiveProgress:
    """Shows how far the load of all arms is, and what the system does under it.

    `total_s` is the load of all arms together. Use it as a context manager; with `quiet` nothing is printed.
    """

    def __init__(
        self, console: Console, experiment: str, arms: Sequence[str], total_s: float, *, quiet: bool = False
    ) -> None:
        self._console = console
        self._experiment = experiment
        self._arms = tuple(arms)
        self._total_s = total_s
        self._quiet = quiet
        self._live: Live | None = None
        self._said: tuple[str, str] | None = None
        self._said_at_s = 0.0

    def __enter__(self) -> Self:
        """Announce the run."""
        if self._quiet:
            return self
        arms = ", ".join(self._arms)
        self._console.print(f"[bold]{escape(self._experiment)}[/]: {escape(arms)} ({number(self._total_s)} s of load)")
        if self._console.is_terminal:
            self._live = Live(
                "starting the lab", console=self._console, auto_refresh=False, transient=True, redirect_stderr=False
            )
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, moment: Moment) -> None:
        """Show one moment."""
        if self._quiet:
            return
        tail = "" if moment.p99_ms is None else f"p99 {with_unit(moment.p99_ms, 'ms')}, "
        good, failing = f"{number(moment.goodput_rps)} of {number(moment.offered_rps)}/s", _failing(moment.failing)
        figures = f"good {good}, {tail}failing {failing}"
        if self._live is not None:
            self._live.update(self._drawing(moment, figures), refresh=True)
        elif self._is_due(moment):
            at = f"{moment.elapsed_s:.0f} s, {moment.remaining_s:.0f} s left"
            self._console.print(escape(f"{moment.arm} {moment.phase} {at}: {figures}"), soft_wrap=True, highlight=False)

    def _is_due(self, moment: Moment) -> bool:
        """Tell whether a plain line is worth printing: a new phase, or five seconds since the last."""
        position = (moment.arm, moment.phase)
        if position == self._said and self._said_at_s - moment.remaining_s < LINE_EVERY_S:
            return False
        self._said, self._said_at_s = position, moment.remaining_s
        return True

    def _drawing(self, moment: Moment, figures: str) -> Table:
        arm, remaining_s = moment.arm, moment.remaining_s
        done_s = max(0.0, self._total_s - remaining_s)
        position = f"arm {self._arms.index(arm) + 1} of {len(self._arms)}, " if arm in self._arms else ""
        grid = Table.grid(padding=(0, 1))
        grid.add_row(
            ProgressBar(total=max(self._total_s, 1.0), completed=done_s, width=_BAR_WIDTH),
            f"{position}[bold]{escape(arm)}[/], [bold]{escape(moment.phase)}[/], {remaining_s:.0f} s left",
        )
        whole = Table.grid()
        whole.add_row(grid)
        whole.add_row(escape(figures))
        return whole


def _failing(failing: Mapping[str, int]) -> str:
    named = [f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in failing.items() if count]
    return ", ".join(named) or "none"
