import os
import subprocess
import sys
from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.lock import holder, locked
from tests.lab.support import CHECKOUT

HOLD = """
import sys, pathlib
from rulezero.lab.lock import locked
with locked(pathlib.Path(sys.argv[1]), "taken"):
    print(flush=True)
    input()
"""


def test_a_lock_tells_its_holder_and_refuses_a_second(tmp_path: Path) -> None:
    """Between two processes as within one."""
    path = tmp_path / "lock"
    assert holder(path) is None
    with locked(path, "taken; wait"):
        assert holder(path) == os.getpid()
        with pytest.raises(UsageProblem, match="taken; wait"), locked(path, "taken; wait"):
            raise AssertionError("the lock must not be given twice")
    assert holder(path) is None


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    """Though its process id is still in the file."""
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert holder(path) == process.pid
        process.kill()
        process.wait()
        assert holder(path) is None
