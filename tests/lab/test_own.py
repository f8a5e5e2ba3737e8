"""The lab around one's own service: it is reached through links, told where its hops are, and begins anew each arm."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import psutil
import pytest

from rulezero.errors import Problem, UsageProblem
from rulezero.lab import own
from rulezero.lab.own import open_own
from rulezero.own_system import Hop, OwnSystem, Process

pytestmark = pytest.mark.wall_clock

SERVICE = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Told(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if self.path == "/nowhere" else 200)
        self.end_headers()
        told = {"pid": os.getpid(), "argv": sys.argv[2:], "db": os.environ.get("DB"), "mode": os.environ.get("MODE")}
        self.wfile.write(json.dumps(told).encode())

HTTPServer(("127.0.0.1", int(sys.argv[1])), Told).serve_forever()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def system(folder: Path, *, command: tuple[str, ...] = ("{python}", "service.py"), health: str = "/") -> OwnSystem:
    (folder / "service.py").write_text(SERVICE)
    port, behind = free_port(), free_port()
    process = Process(name="web", command=(*command, str(port), "{hops.db}"), env={"DB": "{hops.db}", "MODE": "none"})
    return OwnSystem(
        path="x.toml", text="", folder=str(folder), target=f"127.0.0.1:{port}", health=health,
        hops=(Hop(name="db", upstream=f"127.0.0.1:{behind}"),), processes=(process,),
    )  # fmt: skip


async def ask(address: str) -> dict[str, object]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/") as answer:
        told: dict[str, object] = await answer.json(content_type=None)
        return told


async def test_a_service_is_started_for_each_arm_and_asked_through_its_link(place: Path) -> None:
    """It hears where its hop listens, and the arm's environment goes before its own; at the end nothing is left."""
    described = system(place)
    async with open_own(described, logs=place / "logs") as lab:
        await lab.start_services({"*": {"MODE": "quick"}})
        first = await ask(lab.entry)
        assert lab.entry != described.target
        assert (first["db"], first["argv"], first["mode"]) == (lab.links["db"], [lab.links["db"]], "quick")
        await lab.reset()
        await lab.start_services({})
        second = await ask(lab.entry)
        assert second["mode"] == "none"
        assert second["pid"] != first["pid"]
        async with aiohttp.ClientSession() as session, session.get(lab.metrics_urls["toxiproxy"]) as answer:
            assert 'proxy="users"' in await answer.text()
        assert lab.exits() == []
    assert not psutil.pid_exists(int(str(second["pid"])))


async def test_a_process_that_does_not_start_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it said last; one that is missing, and one that never becomes healthy."""
    monkeypatch.setattr(own, "START_TIMEOUT_S", 1.0)
    async with open_own(system(place, command=("no-such-program",)), logs=place / "logs") as lab:
        with pytest.raises(Problem, match="web did not start"):
            await lab.start_services({})
    (place / "silent.py").write_text("import time; time.sleep(60)")
    async with open_own(system(place, command=("{python}", "silent.py")), logs=place / "logs") as lab:
        with pytest.raises(Problem, match="not ready after 1 s"):
            await lab.start_services({})


async def test_a_wrong_health_path_is_told_with_its_answer(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As such, in one line, and not as a service that is dead: whether rulezero started it or somebody else."""
    monkeypatch.setattr(own, "START_TIMEOUT_S", 2.0)
    described = system(place, health="/nowhere")
    told = rf"`target.health` /nowhere at {described.target}: the last answer was 'HTTP/1.0 404 Not Found', not 200"
    async with open_own(described, logs=place / "logs") as lab:
        with pytest.raises(Problem, match=rf"^web is not ready after 2 s: {told}; correct that key") as raised:
            await lab.start_services({})
        assert "\n" not in str(raised.value)
        async with open_own(replace(described, processes=()), logs=place / "others") as other:
            with pytest.raises(UsageProblem, match=f"^{told}; correct that path"):
                await other.start_services({})


async def test_a_process_that_never_listens_where_it_is_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key and what came of the last attempt are told."""
    monkeypatch.setattr(own, "START_TIMEOUT_S", 1.0)
    address = f"127.0.0.1:{free_port()}"
    described = system(place)
    waiting = replace(described, processes=(replace(described.processes[0], ready=address),))
    async with open_own(waiting, logs=place / "logs") as lab:
        with pytest.raises(
            Problem, match=rf"web is not ready after 1 s: `processes.ready` {address}: no answer \(.+\);"
        ):
            await lab.start_services({})


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "no answer (it said nothing and hung up)"),
        (b"x" * 100_000, "no answer (Separator is "),
        (b"HTTP/1.1 500 " + b"\x1b" * 100 + b"\r\n", "the last answer was 'HTTP/1.1 500 \\x1b"),
    ],
)
async def test_an_answer_that_is_none_is_told(answer: bytes, told: str) -> None:
    """Whatever the other end says, it is a reason and no defect."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        probe = own._Probe("target.health", f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "/")
        assert not await probe()
    assert told in str(probe)
    assert len(str(probe)) < 500


@contextmanager
def taken(address: str) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        yield


async def test_a_port_where_somebody_answers_is_refused(place: Path) -> None:
    """The wrong service would be measured."""
    described = system(place)
    async with open_own(described, logs=place / "logs") as lab:
        with taken(described.target), pytest.raises(UsageProblem, match="is taken already"):
            await lab.start_services({})


async def test_a_service_that_somebody_else_started(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, used as it is, and left alone."""
    monkeypatch.setattr(own, "START_TIMEOUT_S", 0.5)
    port = free_port()
    url = f"http://127.0.0.1:{port}/prometheus"
    described = OwnSystem(path="x.toml", text="", folder=str(place), target=f"127.0.0.1:{port}", metrics_url=url)
    async with open_own(described, logs=place / "logs") as lab:
        with pytest.raises(UsageProblem, match=r"`target.url` .*: no answer \(.+\); start the service first"):
            await lab.start_services({})
        with taken(described.target):
            await lab.start_services({})
            await lab.stop_services()
            assert lab.processes().keys() == {"keeper", "toxiproxy"}
        assert lab.metrics_urls.keys() == set(described.scraped)
        assert lab.metrics_urls["target"] == url


async def test_a_hop_listens_where_the_file_says(place: Path) -> None:
    """For a service whose own configuration names the address; a port that is taken is told."""
    port = free_port()
    hops = (Hop(name="db", upstream="127.0.0.1:1", listen=f"127.0.0.1:{port}"),)
    described = OwnSystem(path="x.toml", text="", folder=str(place), target="127.0.0.1:2", hops=hops)
    async with open_own(described, logs=place / "logs") as lab:
        assert lab.links["db"] == f"127.0.0.1:{port}"
    with taken(f":{port}"), pytest.raises(UsageProblem, match=f"port {port} cannot be used"):
        async with open_own(described, logs=place / "logs"):
            pass
