import subprocess
import sys
from contextlib import closing
from pathlib import Path

from rulezero.lab import child
from rulezero.lab.messages import Start
from rulezero.lab.ports import Ports
from tests.lab.support import CHECKOUT


def test_a_spawned_part_does_what_a_forked_one_does(tmp_path: Path) -> None:
    """Where forking is unsafe the same request runs as a program: same arguments, sockets and exit status."""
    with closing(Ports()) as ports:
        port = ports.reserve()
        start = Start(
            name="toy",
            folder=str(tmp_path),
            target="tests.lab.toy:report",
            arguments={"file": str(tmp_path / "port")},
            ports={"first_fd": port},
        )
        command = child.as_program(start)
        assert command[:2] == [sys.executable, "-m"]
        assert subprocess.run(command, cwd=CHECKOUT, check=False).returncode == 7
    assert (tmp_path / "port").read_text(encoding="ascii") == str(port)
