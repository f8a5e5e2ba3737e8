"""One synthetic record for the tests of reports; they never change it."""

from pathlib import Path

import pytest

from rulezero.record import Record
from tests.report.synthetic_record import synthetic_record


@pytest.fixture(scope="session")
def record() -> Record:
    return synthetic_record(Path("runs/20261122T130000-cascading_failure"))
