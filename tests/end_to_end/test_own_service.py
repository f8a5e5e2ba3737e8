"""The example of one's own service, from its file to its verdict: the control suffers, the defended arm does not."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from rulezero.record import read_record
from rulezero.report.markdown import render_markdown
from tests.analysis.records import SCHEMA

pytestmark = [pytest.mark.wall_clock, pytest.mark.end_to_end]

EXAMPLE = Path(__file__).parents[2] / "examples/own_service"
RUN_S_MAX = 120
SHORT = "[phases]\nwarmup_s = 1\nbaseline_s = 3\nfault_s = 3\nhold_s = 4\n"
# What another program on this machine can bring about.
OF_THE_MACHINE = ("cores_busy", "cores_busy_peak", "busiest_process", "send_lag_ms_p99", "generator_shortfall")


def short_example(folder: Path) -> Path:
    """Return the example with short phases, on ports that nobody has."""
    text = (EXAMPLE / "own_service.toml").read_text()
    for port in ("18080", "18081"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            text = text.replace(port, str(listener.getsockname()[1]))
    text, count = re.subn(r"\[phases\]\n(?:\w+ = \S+\n)+", SHORT, text)
    assert count == 1
    for script in EXAMPLE.glob("*.py"):
        (folder / script.name).write_text(script.read_text())
    path = folder / "own_service.toml"
    path.write_text(text)
    return path


def test_the_example_shows_what_its_timeout_buys(tmp_path: Path) -> None:
    """By a fault that is proven at the hop, in a record that is judged and drawn like any other."""
    path, out = short_example(tmp_path), tmp_path / "runs"
    done = subprocess.run(
        [sys.executable, "-m", "rulezero", "run", str(path), "--out", str(out), "--quiet", "--json"],
        capture_output=True, text=True, check=False, timeout=RUN_S_MAX,
    )  # fmt: skip
    assert done.returncode in {0, 2}, done.stdout + done.stderr
    verdict = json.loads(done.stdout)
    jsonschema.validate(verdict, SCHEMA)
    wrong = [one["text"] for one in verdict["validity"] if not one["ok"] and one["name"] not in OF_THE_MACHINE]
    assert wrong == []
    assert [check["held"] for check in verdict["checks"]] == [True, True]
    control, defended = verdict["arms"]
    assert control["measures"]["goodput_fault"] < 0.5
    assert defended["measures"]["goodput_fault"] > 0.9
    assert control["budget"]["burnt"] > 10 * defended["budget"]["burnt"]
    proofs = [one for one in verdict["validity"] if one["name"] in {"link_in_use", "fault_proof"}]
    assert len(proofs) == 4
    (folder,) = out.iterdir()
    assert (folder / "report.html").stat().st_size > 0
    assert "timeout" in render_markdown(read_record(folder))
