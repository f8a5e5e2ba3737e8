"""The console of the verbs when nobody reads any more."""

import os
import subprocess
import sys

import pytest

from rulezero.cli.output import QuietOnClosedPipe


def test_a_closed_pipe_is_silence_and_no_failure() -> None:
    """Lines after the reader went away go nowhere; nothing is raised, and nothing is left to fail at the exit."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", buffering=1) as file:
        console = QuietOnClosedPipe(file=file)
        console.print("heard")
        os.close(reading)
        console.print("unheard")
        console.print("nor this")
        assert console.quiet


@pytest.mark.wall_clock
def test_head_ends_a_list_without_a_word() -> None:
    """The exit status is the verb's own: 1 would say that a prediction was refuted."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "rulezero", "list"]
        ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
