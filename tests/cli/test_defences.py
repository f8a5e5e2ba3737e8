"""rulezero defences: shows and changes a file, keeps its comments, and never writes one that services would refuse."""

import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rulezero.cli import main
from rulezero.defences import CATALOGUE
from rulezero.errors import EXIT_USAGE
from rulezero.toggles.presets import PRESETS, preset
from rulezero.toggles.settings import defaults, parse
from rulezero.toggles.store import parse_file

SHIPPED = Path(__file__).parents[2] / "services/config/defences.toml"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the file that services read."""
    monkeypatch.setenv("COLUMNS", "250")
    return Path(shutil.copy(SHIPPED, tmp_path / "defences.toml"))


def table(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def comments(file: Path) -> list[str]:
    return [line[line.index("#") :] for line in file.read_text(encoding="utf-8").splitlines() if "#" in line]


def run(file: Path, *arguments: str) -> int:
    return main(["defences", *arguments, "--file", str(file)])


def enabled(file: Path) -> set[str]:
    return {name for name, toggle in parse_file(file).items() if toggle.enabled}


def test_show(file: Path, capsys: Captured) -> None:
    """Every defence with its numbers, those of single dependencies too; the file stays as it is."""
    before = file.read_bytes()
    assert run(file, "show") == 0
    told = capsys.readouterr().out
    assert all(any(line.startswith(f"{one.name} ") for line in told.splitlines()) for one in CATALOGUE)
    assert "payment: timeout_s=0.5" in told
    assert file.read_bytes() == before


def test_set_changes_what_is_named_and_nothing_else(file: Path, capsys: Captured) -> None:
    """Types as in TOML; every comment and every other line stays; the result is shown."""
    before = file.read_text(encoding="utf-8").splitlines()
    assert run(file, "set", "circuit_breaker", "enabled=true", "open_s=2", "volume_min=20") == 0
    after = file.read_text(encoding="utf-8").splitlines()
    assert len(after) == len(before)
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [
        "enabled = true", "volume_min = 20", "open_s = 2",
    ]  # fmt: skip
    assert any(line.startswith("circuit_breaker") and " yes " in line for line in capsys.readouterr().out.splitlines())


def test_strings_may_go_unquoted(file: Path) -> None:
    """As people type them; lists and quoted strings work too."""
    assert run(file, "set", "retry", "jitter=none", 'callers=["checkout"]') == 0
    assert (table(file)["retry"]["jitter"], table(file)["retry"]["callers"]) == ("none", ["checkout"])
    assert run(file, "set", "retry", 'jitter="full"') == 0
    assert table(file)["retry"]["jitter"] == "full"


def test_a_dependency_has_numbers_of_its_own(file: Path) -> None:
    """In a table that is there, and in a new one; the defence's own numbers stay."""
    assert run(file, "set", "timeout.payment", "timeout_s=0.3") == 0
    assert run(file, "set", "timeout.catalog", "timeout_s=0.2") == 0
    assert run(file, "set", "retry.payment", "attempts_max=1") == 0
    toggles = parse_file(file)
    numbers = {name: toggles["timeout"].config_for(name).timeout_s for name in ("payment", "catalog", "checkout")}
    assert numbers == {"payment": 0.3, "catalog": 0.2, "checkout": 0.8}
    assert toggles["retry"].config_for("payment").attempts_max == 1
    assert toggles["retry"].config.attempts_max == 3


def test_a_defence_that_the_file_does_not_name(tmp_path: Path) -> None:
    """Its table is added."""
    file = tmp_path / "defences.toml"
    file.write_text("# nothing yet\n", encoding="utf-8")
    assert run(file, "set", "bulkhead", "enabled=true") == 0
    assert file.read_text(encoding="utf-8").startswith("# nothing yet\n")
    assert enabled(file) == {"bulkhead"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("set", "umbrella", "enabled=true"), "umbrella"),
        (("set", "timeout", "timeout_s=-1"), "timeout_s"),
        (("set", "timeout", "timeout_s=soon"), "timeout_s"),
        (("set", "timeout", "timeout_s=nan"), "timeout_s"),
        (("set", "timeout", "timeout_s=2026-11-22"), "timeout_s"),
        (("set", "timeout", "timeout_s="), "timeout_s"),
        (("set", "timeout", "enabled=yes"), "enabled must be true or false"),
        (("set", "timeout", "patience=1"), "patience"),
        (("set", "timeout", "dependency=1"), "dependency"),
        (("set", "timeout.payment", "timeout_s=-1"), "timeout"),
        (("set", "timeout", "timeout_s"), "'timeout_s' is not KEY=VALUE"),
        (("set", "timeout", "=1"), "'=1' is not KEY=VALUE"),
        (("set", "retry", "jitter=some"), "jitter"),
        (("set", "circuit_breaker", "failure_rate=2"), "failure_rate"),
        (("preset", "umbrella"), "'umbrella' is not a preset"),
    ],
)
def test_what_services_would_refuse_is_not_written(
    file: Path, arguments: tuple[str, ...], told: str, capsys: Captured
) -> None:
    """One line that names the key; the file stays as it was, and nothing lies beside it."""
    before = file.read_bytes()
    assert run(file, *arguments) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208 - names are what is compared.


@pytest.mark.parametrize(
    "content", [b"[timeout", b"[timeout]\nenabled = 3\n", b"[umbrella]\n", b"# \xff\n[timeout]\n", None]
)
@pytest.mark.parametrize("action", [("set", "timeout", "enabled=true"), ("preset", "all")])
def test_a_file_that_is_malformed_is_told(
    tmp_path: Path, content: bytes | None, action: tuple[str, ...], capsys: Captured
) -> None:
    """Not TOML, not allowed, not UTF-8, not there: one line with its name."""
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    assert run(file, *action) == EXIT_USAGE
    err = capsys.readouterr().err
    assert "mine.toml" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_switches_exactly_its_defences_on(file: Path, name: str) -> None:
    """The file then holds what an arm of that preset has; comments stay."""
    before = comments(file)
    wanted = preset(parse_file(file), name)
    assert run(file, "preset", name) == 0
    assert enabled(file) == {one for one, toggle in wanted.items() if toggle.enabled}
    assert {one: toggle.config for one, toggle in parse_file(file).items()} == {
        one: toggle.config for one, toggle in wanted.items()
    }
    assert [comment for comment in before if comment not in comments(file)] == []


def test_naive_leaves_nothing_behind(file: Path) -> None:
    """After naive, all has sane retries again: backoff, jitter, one layer."""
    assert run(file, "preset", "naive") == 0
    assert parse_file(file)["retry"].config.nested
    assert run(file, "preset", "all") == 0
    toggles, standard = parse_file(file), defaults()
    assert enabled(file) == {one.name for one in CATALOGUE}
    assert toggles["retry"].config == standard["retry"].config
    assert not toggles["retry"].config.nested


def test_naive_is_naive_towards_every_dependency(tmp_path: Path) -> None:
    """A number that one dependency had of its own gives way too; the table and its comment stay in their place."""
    file = tmp_path / "defences.toml"
    text = "[timeout.dependency.payment]\ntimeout_s = 0.5 # shorter inside\n"
    file.write_text(text, encoding="utf-8")
    assert run(file, "preset", "naive") == 0
    naive = preset(defaults(), "naive")
    told = parse_file(file)
    assert told["timeout"].config_for("payment") == naive["timeout"].config_for("payment")
    assert told["timeout"].config == naive["timeout"].config
    assert comments(file) == ["# shorter inside"]
    assert run(file, "preset", "all") == 0
    toggles, standard = parse_file(file), defaults()
    assert toggles["timeout"].config_for("payment") == standard["timeout"].config
    assert toggles["timeout"].config == standard["timeout"].config


def test_presets_keep_the_numbers_of_the_file(file: Path) -> None:
    """Those that the user set, for all and for one dependency."""
    assert run(file, "set", "bulkhead", "permits=7") == 0
    for name in ("all", "none", "bulkhead"):
        assert run(file, "preset", name) == 0
        assert parse_file(file)["bulkhead"].config.permits == 7
        assert parse_file(file)["bulkhead"].config_for("payment").permits == 16


def test_the_shipped_file_is_off_and_well() -> None:
    """A checkout begins undefended."""
    assert enabled(SHIPPED) == set()
    assert parse(SHIPPED.read_text(encoding="utf-8"), source="x") == parse_file(SHIPPED)
