"""How the lab runs Grafana: which program, with whose files, and what it may do."""

from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab import grafana
from rulezero.lab.grafana import VARIABLE, GrafanaProgram, environment, find_grafana, server_command
from tests.lab.support import CHECKOUT
from tests.lab.test_programs import program


def installed(folder: Path, name: str = "grafana") -> Path:
    """Put a Grafana and the files that it needs in a folder; return the program."""
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "defaults.ini").write_text("", encoding="utf-8")
    return program(folder / "bin" / name)


@pytest.fixture(autouse=True)
def _not_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grafana, "_HOMES", ())


def test_where_it_is_looked_for(tmp_path: Path) -> None:
    """On PATH, under its new or its old name, or where the variable says; its files are beside the program."""
    new, old = installed(tmp_path / "new"), installed(tmp_path / "old", "grafana-server")
    assert find_grafana({"PATH": str(tmp_path)}) is None
    assert find_grafana({"PATH": str(new.parent)}) == GrafanaProgram(new, tmp_path / "new")
    assert find_grafana({"PATH": str(old.parent)}) == GrafanaProgram(old, tmp_path / "old")
    assert find_grafana({"PATH": str(old.parent), VARIABLE: str(new)}) == GrafanaProgram(new, tmp_path / "new")
    assert find_grafana({"PATH": str(new.parent), VARIABLE: ""}) is None


def test_a_package_keeps_its_files_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link on PATH is followed first; then come the folders of the systems' packages."""
    real = installed(tmp_path / "share")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "grafana").symlink_to(real)
    assert find_grafana({"PATH": str(tmp_path / "bin")}) == GrafanaProgram(
        tmp_path / "bin" / "grafana", tmp_path / "share"
    )
    alone = program(tmp_path / "alone" / "bin" / "grafana")
    assert find_grafana({"PATH": str(alone.parent)}) is None
    monkeypatch.setattr(grafana, "_HOMES", (tmp_path / "none", tmp_path / "share"))
    assert find_grafana({"PATH": str(alone.parent)}) == GrafanaProgram(alone, tmp_path / "share")


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    """A program without Grafana's files does not start; better to know it here."""
    alone = program(tmp_path / "grafana")
    for named in (str(alone), "/nothing"):
        with pytest.raises(UsageProblem, match=f"{VARIABLE}={named} is no program with Grafana's files beside it"):
            find_grafana({"PATH": "", VARIABLE: named})


def test_both_programs_are_started_as_they_want_it() -> None:
    """The new one has a verb for it."""
    home = Path("/home")
    assert server_command(GrafanaProgram(Path("/bin/grafana"), home))[1:] == ["server", "--homepath", "/home"]
    assert server_command(GrafanaProgram(Path("/bin/grafana-server"), home))[1:] == ["--homepath", "/home"]


def test_it_shows_the_boards_of_the_checkout_and_calls_nobody(tmp_path: Path) -> None:
    """Loopback; data in the lab's folder; no downloads, no reports; what the provisioning files ask for is there."""
    settings = environment(CHECKOUT, tmp_path, 3000, "127.0.0.1:9090")
    assert (settings["GF_SERVER_HTTP_ADDR"], settings["GF_SERVER_HTTP_PORT"]) == ("127.0.0.1", "3000")
    assert all(settings[f"GF_PATHS_{name}"].startswith(str(tmp_path)) for name in ("DATA", "LOGS", "PLUGINS"))
    assert settings["GF_ANALYTICS_REPORTING_ENABLED"] == settings["GF_ANALYTICS_CHECK_FOR_UPDATES"] == "false"
    assert settings["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    provisioning = Path(settings["GF_PATHS_PROVISIONING"])
    asked = {
        word.partition("}")[0]
        for path in provisioning.rglob("*.yaml")
        for word in path.read_text(encoding="utf-8").split("${")[1:]
    }
    assert asked
    assert asked <= set(settings)
    assert Path(settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
