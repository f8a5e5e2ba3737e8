import errno
import os
from pathlib import Path

import pytest

from rulezero.errors import StorageProblem
from rulezero.lab import template

KEY = "postgres-18.4-0123"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    (folder / "base" / "1").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "base" / "1" / "112").write_bytes(b"rows")
    (folder / "PG_VERSION").write_bytes(b"18\n")
    return folder


def test_the_key_changes_with_every_ingredient() -> None:
    """A change of schema, settings or version makes another template."""
    keys = {
        template.template_key("18.4", "schema", "settings"),
        template.template_key("18.4", "schema", "other"),
        template.template_key("18.4", "schemasettings"),
        template.template_key("17.2", "schema", "settings"),
    }
    assert len(keys) == 4
    assert template.template_key("18.4", "a") == template.template_key("18.4", "a")


def test_a_published_template_is_found_and_copied(tmp_path: Path, data: Path) -> None:
    """The copy has the same folders, empty ones too, and the same contents."""
    cache = tmp_path / "cache"
    assert template.find_template(cache, KEY) is None
    template.publish(data, cache, KEY)
    found = template.find_template(cache, KEY)
    assert found is not None
    template.copy(found, tmp_path / "lab")
    assert (tmp_path / "lab" / "base" / "1" / "112").read_bytes() == b"rows"
    assert (tmp_path / "lab" / "empty").is_dir()
    assert [path.name for path in cache.iterdir()] == [KEY]


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "no checksum"])
def test_a_damaged_template_is_removed(tmp_path: Path, data: Path, damage: str) -> None:
    """So that it is made again, and not given to a database."""
    cache = tmp_path / "cache"
    template.publish(data, cache, KEY)
    file = cache / KEY / "data" / "base" / "1" / "112"
    match damage:
        case "changed":
            file.write_bytes(b"rowz")
        case "missing":
            file.unlink()
        case "added":
            (file.parent / "113").touch()
        case _:
            (cache / KEY / "checksum").unlink()
    assert template.find_template(cache, KEY) is None
    assert not (cache / KEY).exists()


def test_the_first_to_publish_wins(tmp_path: Path, data: Path) -> None:
    """Two runners that raced end with one intact template, and no unfinished one."""
    cache = tmp_path / "cache"
    template.publish(data, cache, KEY)
    (data / "PG_VERSION").write_bytes(b"other")
    template.publish(data, cache, KEY)
    assert (cache / KEY / "data" / "PG_VERSION").read_bytes() == b"18\n"
    assert [path.name for path in cache.iterdir()] == [KEY]


def test_only_the_latest_templates_are_kept(tmp_path: Path, data: Path) -> None:
    """A cache has a bound, and what a killed runner left unfinished goes when it is old."""
    cache = tmp_path / "cache"
    for number in range(6):
        template.publish(data, cache, f"postgres-18.4-{number}")
        os.utime(cache / f"postgres-18.4-{number}", (number, number))
    for name in ("unfinished-old", "unfinished-new"):
        (cache / name).mkdir()
    os.utime(cache / "unfinished-old", (1, 1))
    template.publish(data, cache, KEY)
    kept = {path.name for path in cache.iterdir()}
    assert kept == {KEY, "postgres-18.4-5", "postgres-18.4-4", "postgres-18.4-3", "unfinished-new"}


def test_a_cache_that_cannot_be_made_is_a_storage_problem(tmp_path: Path, data: Path) -> None:
    """One line with the folder and the remedy."""
    (tmp_path / "cache").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(StorageProblem, match=r"cache cannot keep the data template .*set XDG_CACHE_HOME to another"):
        template.publish(data, tmp_path / "cache", KEY)


def test_a_full_disk_leaves_no_unfinished_template(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was copied before the disk was full is removed again."""
    copy = template.copy

    def full(source: Path, target: Path) -> None:
        copy(source, target)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(template, "copy", full)
    with pytest.raises(StorageProblem, match=r"\(No space left on device\)"):
        template.publish(data, tmp_path / "cache", KEY)
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_cache_folder_follows_the_xdg_specification() -> None:
    """A relative path in the variable is ignored."""
    assert template.cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/rulezero")
    assert template.cache_folder({"XDG_CACHE_HOME": "c"}) == Path.home() / ".cache" / "rulezero"
    assert template.cache_folder({}) == Path.home() / ".cache" / "rulezero"
