"""A series: a folder with the records of several runs, and series.json, which says what was asked and what came out.

It is written after every run, so that whatever ends a series leaves what was measured until then; a series that was
interrupted goes on from there.
"""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rulezero.errors import UsageProblem
from rulezero.record import new_folder, write_text

FILE = "series.json"
SCHEMA_VERSION = 1

Arms = dict[str, dict[str, float | None]]
_Asked = TypeVar("_Asked")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a series.

    `key` says which of the runs that were asked for it is; an invalid run may be followed by another of its key.
    `record` is its folder in the series'. `arms` holds the measures of each arm, `yardsticks` what the experiment
    compares by; `reasons` say why it is invalid. `more` holds what the verb alone goes by, `not_exercised` the
    defences of each arm that never decided anything.
    """

    key: str
    record: str
    seed: int
    order: list[str]
    valid: bool
    reasons: list[str]
    arms: Arms
    yardsticks: dict[str, float | None]
    more: Arms = msgspec.field(default_factory=dict)
    not_exercised: dict[str, list[str]] = msgspec.field(default_factory=dict)


class Series(msgspec.Struct, kw_only=True):
    """What was asked, and what came out of it so far. `kind` is the verb, `asked` its options."""

    schema_version: int = SCHEMA_VERSION
    kind: str
    experiment: str
    reproduce: str
    asked: dict[str, Any]
    host: dict[str, Any]
    started_at: str
    entries: list[Entry] = msgspec.field(default_factory=list)

    def valid(self) -> list[Entry]:
        """Return the runs that may be believed, in order."""
        return [entry for entry in self.entries if entry.valid]


def new_series(parent: Path, series: Series) -> Path:
    """Make the folder of a new series, "<time>-<kind>-<experiment>", and return it. Raises StorageProblem."""
    folder = new_folder(parent, f"{series.kind}-{series.experiment}")
    write_series(folder, series)
    return folder


def write_series(folder: Path, series: Series) -> None:
    """Write it as a whole or not at all. Raises StorageProblem."""
    write_text(folder / FILE, msgspec.json.format(msgspec.json.encode(series), indent=2).decode() + "\n")


def asked_as(series: Series, form: type[_Asked]) -> _Asked:
    """Return what a series was asked for, in the form of its verb. Raises UsageProblem when it does not say that."""
    try:
        return msgspec.convert(series.asked, form)
    except msgspec.ValidationError as error:
        raise UsageProblem(f"series.json does not say what was asked ({error}); measure it again") from None


def kind_of(folder: Path) -> str | None:
    """Return which verb made the series in a folder; None where there is none. Raises UsageProblem."""
    return _decoded(folder, "ab").kind if (folder / FILE).exists() else None


def read_series(folder: Path, kind: str) -> Series:
    """Return a series of this kind from its folder. Raises UsageProblem."""
    series = _decoded(folder, kind)
    if series.kind != kind:
        raise UsageProblem(f"{folder} was made by `rulezero {series.kind}`; name one of `rulezero {kind}`")
    return series


def _decoded(folder: Path, kind: str) -> Series:
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Series)
    except (OSError, msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageProblem(f"{folder} is no series ({error}); name a folder that `rulezero {kind}` made") from None
