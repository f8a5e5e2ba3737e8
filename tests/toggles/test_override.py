from pathlib import Path
from typing import Any

import pytest

from rulezero.errors import UsageProblem
from rulezero.toggles.presets import PRESETS
from rulezero.toggles.settings import NAMES, defaults
from tests.toggles.manual import store_on
from tests.toggles.test_store import OFF, ON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "defences.toml"


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
