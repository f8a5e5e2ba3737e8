"""The defences in force in one process: the file, hot reloaded, under an override that expires.

The file is compared by content hash once a second, because modification times and inotify do not survive bind mounts.
"""

import asyncio
import hashlib
import logging
import reprlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rulezero.errors import UsageProblem
from rulezero.telemetry import metrics
from rulezero.toggles.presets import enable, preset
from rulezero.toggles.settings import Toggles, defaults, merge, parse, told

POLL_S = 1.0
OVERRIDE_S_MAX = 24 * 3600.0
_FILE_BYTES_MAX = 1_000_000
_UNREADABLE = b""

_log = logging.getLogger(__name__)


class ToggleStore:
    """Holds the toggles in force; `generation` grows with each change, so that users can rebuild lazily.

    `clock` gives monotonic seconds. Safe to read and to override from another thread: readers see one reference that
    is swapped whole, and changes take turns.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        content = _read(path) if path else b""
        self._file = _parse(content, path) if path else defaults()
        self._digest = _digest(content)
        self._changing = threading.RLock()
        self._override: tuple[Toggles, float] | None = None
        self._generation = 0
        self._publish()

    @property
    def generation(self) -> int:
        """Return a number that differs whenever the toggles in force differ."""
        if self._expired():
            with self._changing:
                if self._expired():  # Still: another thread may have set a new one.
                    self._override = None
                    self._changed()
        return self._generation

    @property
    def current(self) -> Toggles:
        """Return the toggles in force now."""
        override = self._override
        return override[0] if override and self._clock() < override[1] else self._file

    @property
    def override_left_s(self) -> float | None:
        """Return how long the override still holds, or None without one."""
        override = self._override
        return max(0.0, override[1] - self._clock()) if override else None

    def override(self, request: Mapping[str, Any]) -> None:
        """Lay a request over the file until it expires.

        The request has `expires_s`, and any of `preset` (a preset's name), `only` (the defences that are on) and
        `defences` (tables as in the file), applied in this order.

        Raises:
            UsageProblem: An unknown key, preset or defence, or a value of the wrong kind.

        """
        unknown = set(request) - {"expires_s", "preset", "only", "defences"}
        if unknown:
            raise UsageProblem(
                f"unknown key {reprlib.repr(sorted(unknown)[0])}; allowed: expires_s, preset, only, defences"
            )
        expires_s = request.get("expires_s")
        if isinstance(expires_s, bool) or not isinstance(expires_s, int | float) or not 0 < expires_s <= OVERRIDE_S_MAX:
            raise UsageProblem(
                f"expires_s must be a number of seconds up to {OVERRIDE_S_MAX:.0f}, not {told(expires_s)}"
            )
        with self._changing:
            self._override = (_requested(self._file, request), self._clock() + expires_s)
            self._changed()

    def clear_override(self) -> None:
        """Go back to the file."""
        with self._changing:
            self._override = None
            self._changed()

    def reload(self) -> bool:
        """Read the file if its content changed; an invalid one is refused and the old toggles stay."""
        if self._path is None:
            return False
        with self._changing:
            try:
                content = self._read_changed(self._path)
                if content is None:
                    return False
                self._file = _parse(content, self._path)
            except UsageProblem as problem:
                metrics.CONFIG_RELOADS.labels(result="rejected").inc()
                _log.warning("defences not reloaded, the old ones stay: %s", problem)
                return False
            metrics.CONFIG_RELOADS.labels(result="applied").inc()
            self._changed()
            return True

    def _read_changed(self, path: Path) -> bytes | None:
        """Return the content if it is not the one last seen; a problem is raised once, not at each look."""
        try:
            content = _read(path)
        except UsageProblem:
            if self._digest == _UNREADABLE:
                return None
            self._digest = _UNREADABLE
            raise
        digest = _digest(content)
        if digest == self._digest:
            return None
        self._digest = digest
        return content

    async def watch(self) -> None:
        """Poll the file until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            self.reload()
            _ = self.generation  # Lets an override expire even when no call asks.

    def _expired(self) -> bool:
        override = self._override
        return override is not None and self._clock() >= override[1]

    def _changed(self) -> None:
        self._generation += 1
        self._publish()

    def _publish(self) -> None:
        metrics.CONFIG_GENERATION.set(self._generation)
        for name, toggle in self.current.items():
            metrics.DEFENCE_ENABLED.labels(defence=name).set(toggle.enabled)


def parse_file(path: Path) -> Toggles:
    """Return the toggles of a defences file.

    Raises:
        UsageProblem: The file cannot be read, is not UTF-8 TOML, or holds something unknown.

    """
    return _parse(_read(path), path)


def _parse(content: bytes, path: Path) -> Toggles:
    return parse(content.decode("utf-8", errors="replace"), source=str(path))


def _requested(base: Toggles, request: Mapping[str, Any]) -> Toggles:
    toggles = base
    if (name := request.get("preset")) is not None:
        toggles = preset(toggles, str(name))
    if (only := request.get("only")) is not None:
        if not isinstance(only, list) or not all(isinstance(one, str) for one in only):
            raise UsageProblem('only must be a list of names, as in: "only": ["timeout"]')
        toggles = enable(toggles, tuple(only))
    tables = request.get("defences", {})
    if not isinstance(tables, Mapping):
        raise UsageProblem('defences must hold tables, as in: "defences": {"timeout": {"timeout_s": 0.3}}')
    return merge(toggles, tables)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read ({error.strerror}); give a readable defences file") from None
    if len(content) > _FILE_BYTES_MAX:
        raise UsageProblem(f"{path}: is over {_FILE_BYTES_MAX} bytes; give a defences file")
    return content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
