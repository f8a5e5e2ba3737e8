"""A wall clock that jumps, for libraries that should not look at it."""

import datetime as dt
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def wall_clock_off_by(jump_s: float) -> Iterator[None]:
    """Move what `time.time` and `datetime` say, wherever a module has them by name."""
    real_time, real_datetime = time.time, dt.datetime

    class Shifted(real_datetime):  # type: ignore[valid-type, misc]  # The class is the platform's own.
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return real_datetime.now(tz) + dt.timedelta(seconds=jump_s)

        @classmethod
        def utcnow(cls) -> dt.datetime:
            return real_datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=jump_s)

    replaced: list[tuple[Any, str, Any]] = []
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is real_datetime:
                replaced.append((module, name, Shifted))
            elif value is real_time:
                replaced.append((module, name, lambda: real_time() + jump_s))
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    try:
        for module, name, value in replaced:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
