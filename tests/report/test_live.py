"""What a run tells while it goes."""

import io
from contextlib import suppress
from typing import Any

from rich.console import Console

from rulezero.moment import Moment
from rulezero.report.live import LiveProgress


def moment(**changes: Any) -> dict[str, Any]:
    return {"arm": "none", "phase": "warmup", "elapsed_s": 1.0, "remaining_s": 63.0, "phase_left_s": 2.0,
            "goodput_rps": 97.61, "offered_rps": 100.0, "p99_ms": None, "failing": {"timeout": 3, "error": 0},
            "breakers": {}, **changes}  # fmt: skip


def told(console: Console, *moments: dict[str, Any], quiet: bool = False) -> str:
    with LiveProgress(console, "herd", ["none", "all"], 64.0, quiet=quiet) as progress:
        for each in moments:
            progress.update(Moment(**each))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_piped_progress_is_a_line_at_each_phase_and_every_five_seconds() -> None:
    """Half-second updates do not fill a log."""
    console = Console(file=io.StringIO(), width=80)
    moments = [moment(elapsed_s=half / 2, remaining_s=64 - half / 2) for half in range(14)]
    moments += [moment(phase="baseline", elapsed_s=7.0, remaining_s=57.0), moment(arm="all", remaining_s=32.0)]
    lines = told(console, *moments).splitlines()
    assert lines[0] == "herd: none, all (64 s of load)"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "none warmup 0 s, 64 s left",
        "none warmup 5 s, 59 s left",
        "none baseline 7 s, 57 s left",
        "all warmup 1 s, 32 s left",
    ]
    assert lines[1].endswith(": good 97.6 of 100/s, failing 3 timeout")


def test_a_percentile_stands_beside_failures() -> None:
    """When it is known at all."""
    console = Console(file=io.StringIO(), width=80)
    assert "p99 120 ms, failing none" in told(console, moment(p99_ms=120.0, failing={}))


def test_quiet_prints_nothing() -> None:
    """Piped or not."""
    for terminal in (False, True):
        console = Console(file=io.StringIO(), force_terminal=terminal)
        assert told(console, moment(), quiet=True) == ""


def test_a_terminal_shows_phase_time_left_and_goodput() -> None:
    """And gives the cursor back when the run is stopped."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with suppress(KeyboardInterrupt), LiveProgress(console, "herd", ["none", "all"], 64.0) as progress:
        progress.update(Moment(**moment(arm="all", phase="fault", remaining_s=12.0)))
        raise KeyboardInterrupt
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "arm 2 of 2" in text
    assert "2 s of it and 12 s in all left" in text
    assert "no circuit breaker on" in text
    assert "good 97.6 of 100/s" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def test_before_the_first_answer_nothing_is_said_to_fail() -> None:
    """Nothing good yet is no bad news."""
    console = Console(file=io.StringIO(), width=80)
    text = told(console, moment(goodput_rps=None, failing={}))
    assert text.splitlines()[1] == "none warmup 1 s, 63 s left: 100/s offered, no answer yet"


def test_breakers_that_moved_are_named_and_the_others_counted() -> None:
    """On a terminal always; in a line of a log only when one is not closed."""
    breakers = {"checkout to payment": "open", "edge to catalog": "closed", "edge to checkout": "half-open"}
    words = "breakers: checkout to payment open, edge to checkout half-open, 1 closed"
    piped = told(Console(file=io.StringIO(), width=80), moment(breakers=breakers))
    assert piped.splitlines()[1].endswith(f"failing 3 timeout; {words}")
    closed = dict.fromkeys(breakers, "closed")
    assert "breakers" not in told(Console(file=io.StringIO(), width=80), moment(breakers=closed))
    live = Console(file=io.StringIO(), force_terminal=True, width=80)
    assert "breakers: 3 closed" in told(live, moment(breakers=closed))


def test_a_narrow_terminal_cuts_lines() -> None:
    """Lines that break would make the display jump with every update."""
    console = Console(file=io.StringIO(), force_terminal=True, width=30)
    lines = told(console, moment(failing={"timeout": 3, "rejected": 12, "not_sent": 7})).splitlines()
    assert any("good 97.6" in line for line in lines)
    assert not any("not sent" in line for line in lines)
