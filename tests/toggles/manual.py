"""A store on a file and a clock that the test holds in its hand."""

from pathlib import Path

from rulezero.toggles.store import ToggleStore


class ManualClock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def store_on(path: Path | None = None, text: str | None = None) -> tuple[ToggleStore, ManualClock]:
    """Return a store and its clock; `text` is written to the file first."""
    if path is not None and text is not None:
        path.write_text(text, encoding="utf-8")
    clock = ManualClock()
    return ToggleStore(path, clock=clock), clock
