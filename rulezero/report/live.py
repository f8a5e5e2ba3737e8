"""What a run tells while it goes: some live lines on a terminal, plain lines where the output is piped.

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
_BAR_WIDTH = 60


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
        if self._live is not None:
            self._live.update(self._drawing(moment), refresh=True)
        elif self._is_due(moment):
            at = f"{moment.elapsed_s:.0f} s, {moment.remaining_s:.0f} s left"
            told = "; ".join([_system(moment), *([_breakers(moment.breakers)] if _moved(moment.breakers) else [])])
            self._console.print(escape(f"{moment.arm} {moment.phase} {at}: {told}"), soft_wrap=True, highlight=False)

    def _is_due(self, moment: Moment) -> bool:
        """Tell whether a plain line is worth printing: a new phase, or five seconds since the last."""
        position = (moment.arm, moment.phase)
        if position == self._said and self._said_at_s - moment.remaining_s < LINE_EVERY_S:
            return False
        self._said, self._said_at_s = position, moment.remaining_s
        return True

    def _drawing(self, moment: Moment) -> Table:
        """Return the run above, the system below; every line is cut rather than broken, so that nothing jumps."""
        done_s = max(0.0, self._total_s - moment.remaining_s)
        position = f"arm {self._arms.index(moment.arm) + 1} of {len(self._arms)}, " if moment.arm in self._arms else ""
        left = f"{moment.phase_left_s:.0f} s of it and {moment.remaining_s:.0f} s in all left"
        run = f"{position}[bold]{escape(moment.arm)}[/]: [bold]{escape(moment.phase)}[/], {left}"
        whole = Table.grid()
        whole.add_column(no_wrap=True, overflow="ellipsis")
        whole.add_row(ProgressBar(total=max(self._total_s, 1.0), completed=done_s, width=_BAR_WIDTH))
        for line in (run, escape(_system(moment)), escape(_breakers(moment.breakers))):
            whole.add_row(line)
        return whole


def _system(moment: Moment) -> str:
    """Return what the system does; nothing is said to fail before there is an answer."""
    if moment.goodput_rps is None:
        return f"{number(moment.offered_rps)}/s offered, no answer yet"
    tail = "" if moment.p99_ms is None else f"p99 {with_unit(moment.p99_ms, 'ms')}, "
    good = f"good {number(moment.goodput_rps)} of {number(moment.offered_rps)}/s"
    return f"{good}, {tail}failing {_failing(moment.failing)}"


def _breakers(breakers: Mapping[str, str]) -> str:
    """Name the breakers that are not closed, and count the others."""
    if not breakers:
        return "no circuit breaker on"
    moved = _moved(breakers)
    closed = f"{len(breakers) - len(moved)} closed" if len(moved) < len(breakers) else ""
    return f"breakers: {', '.join([*moved, *([closed] if closed else [])])}"


def _moved(breakers: Mapping[str, str]) -> list[str]:
    return [f"{name} {state}" for name, state in breakers.items() if state != "closed"]


def _failing(failing: Mapping[str, int]) -> str:
    named = [f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in failing.items() if count]
    return ", ".join(named) or "none"
