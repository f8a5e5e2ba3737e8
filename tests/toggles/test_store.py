import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from rulezero.errors import UsageProblem
from rulezero.toggles import store as store_module
from rulezero.toggles.presets import PRESETS
from rulezero.toggles.settings import NAMES, defaults
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


def test_an_override_holds_until_it_expires(path: Path) -> None:
    """To the instant, and then the file is in force again."""
    store, clock = store_on(path, ON)
    store.override({"preset": "none", "expires_s": 10})
    assert not store.current["timeout"].enabled
    clock.now_s += 9.99
    assert not store.current["timeout"].enabled
    assert store.override_left_s == pytest.approx(0.01)
    generation = store.generation
    clock.now_s += 0.01
    assert store.current["timeout"].enabled
    assert store.generation == generation + 1
    assert store.override_left_s is None
    assert store.generation == generation + 1


def test_an_override_is_replaced_not_laid_over_the_last() -> None:
    """Each stands on the file alone, and has its own time."""
    store, clock = store_on()
    store.override({"only": ["timeout"], "expires_s": 10})
    store.override({"only": ["retry"], "expires_s": 100})
    clock.now_s += 50
    assert {name for name, one in store.current.items() if one.enabled} == {"retry"}
    store.clear_override()
    assert store.current == defaults()
    assert store.override_left_s is None


def test_preset_only_and_defences_apply_in_this_order() -> None:
    """The numbers of the preset stay, `only` says which are on, single tables have the last word."""
    store, _ = store_on()
    request: dict[str, Any] = {
        "expires_s": 1,
        "preset": "naive",
        "only": ["timeout", "bulkhead"],
        "defences": {"bulkhead": {"permits": 3}, "retry": {"attempts_max": 2, "enabled": True}},
    }
    store.override(request)
    now = store.current
    assert {name for name, one in now.items() if one.enabled} == {"timeout", "bulkhead", "retry"}
    assert (now["timeout"].config.timeout_s, now["bulkhead"].config.permits) == (1.0, 3)
    assert (now["retry"].config.jitter, now["retry"].config.attempts_max) == ("none", 2)


def test_a_file_that_changes_under_an_override_shows_when_that_ends(path: Path) -> None:
    """Not before."""
    store, clock = store_on(path, OFF)
    store.override({"preset": "none", "expires_s": 10})
    path.write_text(ON, encoding="utf-8")
    store.reload()
    assert not store.current["timeout"].enabled
    clock.now_s += 10
    assert store.current["timeout"].enabled


MALFORMED: list[Any] = [
    {},
    {"preset": "all"},
    {"expires_s": None},
    {"expires_s": True},
    {"expires_s": "60"},
    {"expires_s": 0},
    {"expires_s": -1},
    {"expires_s": 86_401},
    {"expires_s": float("nan")},
    {"expires_s": float("inf")},
    {"expires_s": 10**400},
    {"expires_s": [1]},
    {"expires_s": 1, "presets": "all"},
    {"expires_s": 1, "preset": "some"},
    {"expires_s": 1, "preset": ["all"]},
    {"expires_s": 1, "preset": 3},
    {"expires_s": 1, "preset": {"a\nb": 1}},
    {"expires_s": 1, "only": "timeout"},
    {"expires_s": 1, "only": [3]},
    {"expires_s": 1, "only": ["tiemout"]},
    {"expires_s": 1, "only": ["a\nb"]},
    {"expires_s": 1, "only": {"timeout": True}},
    {"expires_s": 1, "defences": []},
    {"expires_s": 1, "defences": None},
    {"expires_s": 1, "defences": {"tiemout": {}}},
    {"expires_s": 1, "defences": {"timeout": 3}},
    {"expires_s": 1, "defences": {"timeout": {"enabled": 1}}},
    {"expires_s": 1, "defences": {"timeout": {"timeout": 1}}},
    {"expires_s": 1, "defences": {"timeout": {"timeout_s": 10**400}}},
    {"expires_s": 1, "defences": {"timeout": {"timeout_s": None}}},
    {"expires_s": 1, "defences": {"timeout": {"dependency": {"payment": 3}}}},
    {"expires_s": 1, "defences": {"timeout": {"dependency": {"payment": {"enabled": True}}}}},
    {"expires_s": 1, "defences": {"retry": {"callers": ["edge", "checkout"]}}},
]


@pytest.mark.parametrize("request_", MALFORMED)
def test_a_malformed_override_is_refused_in_one_line_and_changes_nothing(request_: dict[str, Any]) -> None:
    """The one that holds goes on holding."""
    store, _ = store_on()
    store.override({"only": ["deadline"], "expires_s": 10})
    before, generation = store.current, store.generation
    with pytest.raises(UsageProblem) as caught:
        store.override(request_)
    assert len(str(caught.value).splitlines()) == 1
    assert (store.current, store.generation, store.override_left_s) == (before, generation, 10)


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_may_be_asked_for(name: str) -> None:
    """By its name alone."""
    store, _ = store_on()
    store.override({"preset": name, "expires_s": 1})
    assert set(store.current) == set(NAMES)


def test_an_override_may_be_taken_away_while_another_thread_looks_at_it() -> None:
    """The admin port's thread does so whenever it likes: here, while the clock is read."""
    store, clock = store_on()
    generation = store.generation

    def clock_that_is_interrupted() -> float:
        store._clock = clock
        store.clear_override()
        return clock()

    store.override({"preset": "all", "expires_s": 60})
    for look in (lambda: store.generation, lambda: store.current, lambda: store.override_left_s):
        store.override({"preset": "all", "expires_s": 60})
        store._clock = clock_that_is_interrupted
        look()
    assert store.generation == generation + 1 + 3 * 2
    assert store.current == defaults()
