"""What `rulezero aa` found and `rulezero ab` goes by: the smallest effects by experiment, in a file beside the runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rulezero.errors import UsageProblem
from rulezero.record import write_text

FILE = "noise_floor.json"


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest effect of each measure that 8 pairs can tell: by which arm, series, pairs, machine, and when."""

    arm: str
    series: str
    pairs: int
    host: dict[str, Any]
    time: str
    floors: dict[str, Annotated[float, Meta(gt=0)]]


def read_floor(out: Path, experiment: str, host: Mapping[str, Any]) -> Floor | None:
    """Return what is known of an experiment on this machine; what another machine could tell says nothing of it.

    Raises:
        UsageProblem: The file is malformed.

    """
    floor = _read(out / FILE).get(experiment)
    return floor if floor is not None and floor.host == dict(host) else None


def keep_floor(out: Path, experiment: str, floor: Floor) -> Path:
    """Write what was found of an experiment beside that of the others; return the file. Raises Problem."""
    path = out / FILE
    content = msgspec.json.encode({**_read(path), experiment: floor}, order="deterministic")
    write_text(path, msgspec.json.format(content, indent=2).decode() + "\n")
    return path


def _read(path: Path) -> dict[str, Floor]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Floor])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageProblem(f"{path} is not what `rulezero aa` writes ({error}); remove it") from None
