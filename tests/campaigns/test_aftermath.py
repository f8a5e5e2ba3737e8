"""What a lab must not leave is found when it is there, and only in the campaign's own place."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from campaigns.kill import aftermath
from campaigns.kill.aftermath import FOLDERS, ORPHANS, PORTS, RECORDS, TOXICS, Seen, judge_records, leftovers, stale
from campaigns.kill.family import listening, processes_of
from campaigns.kill.place import Place, open_place
from rulezero.experiment import Experiment
from rulezero.record import TABLES, write_json
from rulezero.runner.manifest import arm_entry, new_manifest

pytestmark = pytest.mark.wall_clock


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(aftermath, "GONE_WITHIN_S", 0.1)
    with open_place(tmp_path) as place:
        yield place


def sleeper(place: Place, code: str = "") -> "subprocess.Popen[bytes]":
    program = f"{code}\nprint(flush=True)\nimport time\ntime.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", program], env=place.environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_nothing_left_is_no_finding(place: Place) -> None:
    """Whatever else runs on the machine, these tests too."""
    assert list(leftovers(place, Seen(ports={9}, pids={1}, toxiproxy_ports={9}))) == []
    assert list(stale(place, [], [])) == []


def test_an_orphan_and_its_port_are_found_and_ended(place: Place) -> None:
    """Known by the folder that it was given for temporary files, wherever it is in the tree."""
    code = "import socket; s = socket.create_server(('127.0.0.1', 0))"
    with sleeper(place, code) as process:
        seen = Seen(ports=listening(processes_of(place)))
        assert len(seen.ports) == 1
        found = list(leftovers(place, seen))
        assert [finding.counter for finding in found] == [ORPHANS, PORTS]
        assert str(process.pid) in found[0].text
        assert process.wait(5) < 0


def test_a_port_that_a_stranger_took_meanwhile_is_not_ours(place: Place) -> None:
    """Any free port may be given to anybody."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        assert list(leftovers(place, Seen(ports={stranger.getsockname()[1]}))) == []


def test_a_toxic_is_found(place: Place) -> None:
    """At a Toxiproxy that should be gone, or be clean."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"a-b": {"toxics": [{"name": "slow"}]}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's signature.
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.handle_request, daemon=True).start()
        found = list(leftovers(place, Seen(toxiproxy_ports={server.server_port})))
    assert [(finding.counter, finding.text.partition(" ")[0]) for finding in found] == [(TOXICS, "a-b/slow")]


def test_a_folder_that_no_start_swept_is_found(place: Place) -> None:
    """And removed, so that it is counted once."""
    folder = place.temporary / "rulezero-1-x"
    folder.mkdir()
    assert [finding.counter for finding in stale(place, [folder], [])] == [FOLDERS]
    assert not folder.exists()


def write_record(place: Place, experiment: Experiment, **changes: object) -> Path:
    folder = place.runs / "20261122T120000-brief"
    arm = folder / "raw" / "none"
    arm.mkdir(parents=True)
    manifest = new_manifest(experiment, experiment.arms, 1, ["edge"])
    write_json(folder / "manifest.json", {**manifest, "arms": [arm_entry(experiment.arms[0])], **changes})
    for file, schema in TABLES.values():
        (arm / file).write_text("" if file.endswith("jsonl") else ",".join(schema) + "\n", encoding="utf-8")
    return folder


def test_records_are_judged(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was cut short and says so is fine; one that does not say so, or that cannot be read, is a finding."""
    monkeypatch.setattr(aftermath, "_REPORTED_EVERY", 10**9)
    place.records = 1
    experiment = place.definition()
    write_record(place, experiment)
    assert list(judge_records(place, may_be_valid=False)) == []
    assert list(place.runs.iterdir()) == []

    write_record(place, experiment, interrupted=False)
    (told,) = judge_records(place, may_be_valid=False)
    assert (told.counter, told.text.partition(": ")[2]) == (
        RECORDS,
        "the manifest does not say that the run was cut short",
    )

    write_record(place, experiment, host={})
    (told,) = judge_records(place, may_be_valid=True)
    assert "report ended with 64" in told.text

    (write_record(place, experiment) / "manifest.json").unlink()
    assert list(judge_records(place, may_be_valid=False)) == [], "killed before its first file: said in one line"
