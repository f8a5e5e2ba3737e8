"""What needs a program that a machine may lack is said loudly: a letter among a thousand dots says nothing."""

import shutil

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a skipped test leaves unknown."""
    if shutil.which("prometheus") is None:
        terminalreporter.write_sep(
            "!", "NOT RUN: PromQL was not compared with a record; install prometheus (Debian: apt)", red=True
        )
