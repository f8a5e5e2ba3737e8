import asyncio
import logging
import os
from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.toggles import store as store_module
from rulezero.toggles.settings import defaults
from rulezero.toggles.store import POLL_S, ToggleStore, parse_file
from tests.counters import Change
from tests.toggles.manual import store_on

ON = "[timeout]\nenabled = true\n"
OFF = "[timeout]\nenabled = false\n"
BROKEN = "[timeout]\nenabled = maybe\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "defences.toml"


def reloads() -> tuple[Change, Change]:
    return Change("config_reloads_total", result="applied"), Change("config_reloads_total", result="rejected")


def test_without_a_file_everything_is_off() -> None:
    """And there is nothing to reload."""
    store, _ = store_on()
    assert store.current == defaults()
    assert not store.reload()


def test_a_file_that_is_broken_at_the_start_stops_the_start(path: Path) -> None:
    """Only later is there an older one to fall back on."""
    with pytest.raises(UsageProblem, match="not valid TOML"):
        store_on(path, BROKEN)
    path.unlink()
    with pytest.raises(UsageProblem, match="cannot be read"):
        store_on(path)


def test_a_file_that_is_no_file_or_too_large_is_refused(tmp_path: Path, path: Path) -> None:
    """A folder, and a file of which only the beginning would be read."""
    with pytest.raises(UsageProblem, match=r"cannot be read \(Is a directory\)"):
        parse_file(tmp_path)
    path.write_text(ON + "#" * 1_000_000, encoding="utf-8")
    with pytest.raises(UsageProblem, match="over 1000000 bytes"):
        parse_file(path)


def test_bytes_that_are_no_text_are_refused_in_one_line(path: Path) -> None:
    """They are shown as what cannot be shown."""
    path.write_bytes(b"\xff\xfe[timeout]")
    with pytest.raises(UsageProblem, match="not valid TOML"):
        parse_file(path)


def test_a_changed_file_is_taken_over_and_counted(path: Path) -> None:
    """The gauges follow."""
    store, _ = store_on(path, OFF)
    applied, rejected = reloads()
    generation = store.generation
    path.write_text(ON, encoding="utf-8")
    assert store.reload()
    assert store.current["timeout"].enabled
    assert store.generation == generation + 1
    assert (applied(), rejected()) == (1, 0)
    assert Change("defence_enabled", defence="timeout").value == 1
    assert Change("defence_enabled", defence="retry").value == 0
    assert Change("defence_config_generation").value == store.generation


def test_a_broken_file_leaves_the_old_toggles_and_is_counted_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However often one looks; the log tells once what is wrong."""
    store, _ = store_on(path, ON)
    applied, rejected = reloads()
    generation = store.generation
    path.write_text(BROKEN, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert [store.reload() for _ in range(5)] == [False] * 5
    assert store.current["timeout"].enabled
    assert store.generation == generation
    assert (applied(), rejected()) == (0, 1)
    assert len(caplog.records) == 1
    assert str(path) in caplog.text


def test_a_broken_file_that_is_mended_is_taken_over(path: Path) -> None:
    """Also when it says again what was in force all the time."""
    store, _ = store_on(path, ON)
    path.write_text(BROKEN, encoding="utf-8")
    assert not store.reload()
    path.write_text(ON, encoding="utf-8")
    assert store.reload()
    assert store.current["timeout"].enabled


def test_a_file_that_is_away_is_a_broken_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Editors take it away for a moment; told once, and the next content is taken over."""
    store, _ = store_on(path, ON)
    applied, rejected = reloads()
    path.unlink()
    with caplog.at_level(logging.WARNING):
        assert [store.reload() for _ in range(5)] == [False] * 5
    assert store.current["timeout"].enabled
    assert rejected() == len(caplog.records) == 1
    path.write_text(OFF, encoding="utf-8")
    assert store.reload()
    assert not store.current["timeout"].enabled
    assert applied() == 1


def test_the_same_content_is_no_change(path: Path) -> None:
    """Whatever the modification time or the inode say."""
    store, _ = store_on(path, ON)
    generation = store.generation
    path.write_text(ON, encoding="utf-8")
    assert not store.reload()
    _replace(path, ON)
    assert not store.reload()
    assert store.generation == generation


def test_a_replaced_file_is_noticed_even_with_the_old_modification_time(path: Path) -> None:
    """Content is what counts: bind mounts and editors make times and inodes useless."""
    store, _ = store_on(path, OFF)
    before = path.stat()
    _replace(path, ON + " ")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.reload()
    assert store.current["timeout"].enabled


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def test_what_is_compared_is_what_was_parsed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changes between two reads must not leave the new content unread for good."""
    path.write_text(OFF, encoding="utf-8")
    read = store_module._read

    def read_then_change(one: Path) -> bytes:
        content = read(one)
        path.write_text(ON, encoding="utf-8")
        return content

    monkeypatch.setattr(store_module, "_read", read_then_change)
    store, _ = store_on(path)
    monkeypatch.setattr(store_module, "_read", read)
    assert not store.current["timeout"].enabled
    assert store.reload()
    assert store.current["timeout"].enabled


async def test_the_watch_looks_once_a_second(path: Path) -> None:
    """And survives a broken file."""
    _replace(path, OFF)
    store = ToggleStore(path, clock=asyncio.get_running_loop().time)
    watching = asyncio.create_task(store.watch())
    for text, expected in [(ON, True), (BROKEN, True), ("a = " + "[" * 5000, True), (OFF, False), (ON, True)]:
        _replace(path, text)
        await asyncio.sleep(1.5 * POLL_S)
        assert store.current["timeout"].enabled is expected
    watching.cancel()


async def test_the_watch_lets_an_override_expire_though_nobody_calls() -> None:
    """Else the gauges would go on showing it."""
    store = ToggleStore(None, clock=asyncio.get_running_loop().time)
    watching = asyncio.create_task(store.watch())
    store.override({"preset": "all", "expires_s": 5})
    enabled = Change("defence_enabled", defence="timeout")
    await asyncio.sleep(4.5)
    assert enabled.value == 1
    await asyncio.sleep(1.5)
    assert enabled.value == 0
    watching.cancel()
