"""The data template: a database made once, kept in the user's cache folder, copied for each lab.

Making one takes seconds, copying it a tenth of one. A template is published by renaming it, so that runners can race;
one whose contents changed since is made again. The same copy serves the primary and the standby: a cluster that was
shut down cleanly is its own base backup.
"""

import hashlib
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from rulezero.errors import StorageProblem

_DATA = "data"
_CHECKSUM = "checksum"
_UNFINISHED = "unfinished-"
_KEPT_MAX = 4
_ABANDONED_AFTER_S = 3600


def template_key(version: str, *ingredients: str) -> str:
    """Return a name for everything that decides what the template holds."""
    digest = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()
    return f"postgres-{version}-{digest[:16]}"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where templates are kept: the user's cache folder, by the XDG base directory specification."""
    configured = environment.get("XDG_CACHE_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".cache"
    return base / "rulezero"


def find_template(cache: Path, key: str) -> Path | None:
    """Return the data of an intact template, or None; a damaged one is removed."""
    template = cache / key
    try:
        if (template / _CHECKSUM).read_text(encoding="ascii") == checksum(template / _DATA):
            os.utime(template)
            return template / _DATA
    except OSError:
        pass
    shutil.rmtree(template, ignore_errors=True)
    return None


def publish(data: Path, cache: Path, key: str) -> None:
    """Keep a copy of `data` as a template. Raises StorageProblem, and then leaves nothing behind."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=cache))
    except OSError as error:
        raise _problem(cache, error) from error
    try:
        copy(data, unfinished / _DATA)
        (unfinished / _CHECKSUM).write_text(checksum(unfinished / _DATA), encoding="ascii")
        # Fails if another runner was faster: its template is as good.
        unfinished.rename(cache / key)
    except OSError as error:
        if not (cache / key).exists():
            raise _problem(cache, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _forget_old(cache)


def copy(source: Path, target: Path) -> None:
    """Copy a data folder; stops at the first OSError, where shutil.copytree would go on to fail at every file."""
    for parent, _, names in os.walk(source):
        copied = target / Path(parent).relative_to(source)
        copied.mkdir(mode=0o700)
        for name in names:
            shutil.copyfile(Path(parent, name), copied / name)


def checksum(folder: Path) -> str:
    """Return a number for the names and contents of every file."""
    value = 0
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        value = zlib.crc32(str(file.relative_to(folder)).encode(), value)
        value = zlib.crc32(file.read_bytes(), value)
    return f"{value:08x}"


def _forget_old(cache: Path) -> None:
    """Bound the cache: the templates used last stay, and what a killed runner left unfinished an hour ago goes."""
    finished = sorted(cache.glob("postgres-*"), key=_age_s)
    unfinished = [path for path in cache.glob(f"{_UNFINISHED}*") if _age_s(path) > _ABANDONED_AFTER_S]
    for path in [*finished[_KEPT_MAX:], *unfinished]:
        shutil.rmtree(path, ignore_errors=True)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime  # Files carry the time of day, so it is compared with that.
    except OSError:
        return 0.0


def _problem(folder: Path, error: OSError) -> StorageProblem:
    return StorageProblem(
        f"{folder} cannot keep the data template ({error.strerror or error});"
        " make room there or set XDG_CACHE_HOME to another folder"
    )
