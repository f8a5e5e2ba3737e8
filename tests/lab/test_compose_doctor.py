"""What the containers need of a machine: each lack is found, with what to do."""

from pathlib import Path
from socket import create_server

import pytest

from rulezero.lab import compose_doctor, proxies
from rulezero.lab.compose_doctor import examine_compose, judge_ports, judge_states, judge_toxics, judge_version
from rulezero.lab.compose_file import ComposeFile, Container, Port
from rulezero.lab.ports import Ports
from tests.lab.fake_docker import PORTS, install
from tests.lab.test_compose import shop

INFO = '{"ServerVersion": "29.1.0", "MemTotal": 8000000000, "NCPU": 4}'


def a_file(port: int) -> ComposeFile:
    return ComposeFile("toy", {"edge": Container("one:1", (Port(9100, str(port), "127.0.0.1"),)), "cache": Container()})


@pytest.mark.parametrize(
    ("text", "ok"),
    [("2.40.1", True), ("v5.1.0", True), ("2.20.0", True), ("2.19.9", False), ("1.29.2", False), ("", False)],
)
def test_an_old_compose_is_found(text: str, ok: bool) -> None:  # noqa: FBT001 - a case.
    """By its number, however it is written."""
    found = judge_version(text)
    assert found.ok is ok
    assert "Compose 2.20 or newer" in found.remedy


def test_a_taken_port_is_named_unless_it_is_its_own() -> None:
    """With the container that wants it."""
    ports = Ports()
    try:
        port = ports.reserve()
        assert judge_ports(a_file(port), {"edge": "running"}).ok
    finally:
        ports.close()
    free = judge_ports(a_file(port), {})
    assert free.ok
    with create_server(("127.0.0.1", port)):
        taken = judge_ports(a_file(port), {"edge": "exited"})
    assert not taken.ok
    assert f"{port} (edge)" in taken.detail


def test_containers_are_all_up_or_none() -> None:
    """Half of them is what nobody wants."""
    file = a_file(1)
    assert "make up" in judge_states(file, {}).detail
    assert judge_states(file, {}).ok
    assert judge_states(file, {"edge": "running", "cache": "running"}).detail == "all 2 are up"
    half = judge_states(file, {"edge": "running", "cache": "exited"})
    assert not half.ok
    assert "cache" in half.detail


def test_what_is_left_on_the_links_is_named() -> None:
    """With how to take it away."""
    assert judge_toxics([]).ok
    left = judge_toxics(["latency on checkout-payment"])
    assert not left.ok
    assert "latency on checkout-payment" in left.detail
    assert "8474/reset" in left.remedy


@pytest.mark.wall_clock
async def test_the_whole_examination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an engine that is well, and of one that does not answer."""
    fake = install(tmp_path, monkeypatch)
    (fake.folder / "info").write_text(INFO, encoding="utf-8")
    monkeypatch.setattr(proxies, "toxics", lambda _: [])
    description = shop(tmp_path)
    found = {one.name: one for one in await examine_compose(description)}
    assert set(found) == {
        "compose", "docker engine", "memory of the engine", "cores of the engine", "ports", "containers",
        "faults",
    }  # fmt: skip
    assert all(one.ok for one in found.values()), found
    assert found["containers"].detail == f"all {len(PORTS)} are up"
    fake.refuse("info", "Cannot connect to the Docker daemon; is it running?")
    found = {one.name: one for one in await examine_compose(description)}
    assert not found["docker engine"].ok
    assert "Cannot connect to the Docker daemon" in found["docker engine"].detail
    assert "containers" not in found


@pytest.mark.wall_clock
async def test_a_machine_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told where to get it; that is no crash."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await examine_compose(shop(tmp_path))
    assert not any(one.ok for one in found)
    assert "https://docs.docker.com" in found[0].remedy


def test_too_small_an_engine() -> None:
    """The limits of the containers must fit, and the load generator wants a core of its own."""
    found = compose_doctor.judge_engine(compose_doctor._Engine("29.1", 1_000_000_000, 1))
    assert [one.ok for one in found] == [True, False, False]
