"""One synthetic record for the tests of reports; they never change it."""

from pathlib import Path

import pytest

from rulezero.record import Record
from tests.report import browser
from tests.report.synthetic_record import synthetic_record


@pytest.fixture(scope="session")
def record() -> Record:
    return synthetic_record(Path("runs/20261122T130000-cascading_failure"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what a skipped test leaves unknown: a letter among a thousand dots says nothing."""
    if browser.find() is None:
        terminalreporter.write_sep(
            "!", "NOT RUN: the report was not looked at in a browser; install chromium", red=True
        )
