"""What `rulezero aa` found and `rulezero ab` goes by: the smallest effects by experiment, in a file beside the runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rulezero.errors import UsageProblem
from rulezero.record import write_text

FILE = "noise_floor.json"


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest effect of each measure that 8 pairs can tell: by which arm, series, pairs, machine, and when.

    `definition` is the experiment's file as a hash, `target` where the system ran.
    """

    arm: str
    series: str
    pairs: int
    host: dict[str, Any]
    definition: str
    target: str
    time: str
    floors: dict[str, Annotated[float, Meta(gt=0)]]


def read_floor(
    out: Path,
    experiment: str,
    host: Mapping[str, Any],
    *,
    arm: str,
    definition: str,
    target: str,
    told: Callable[[str], None],
) -> Floor | None:
    """Return what is known of an arm of an experiment as it is, on this machine and target.

    What was found of another says nothing of this one; that there is such a floor goes to `told`.

    Raises:
        UsageProblem: The file is malformed.

    """
    floor = _read(out / FILE).get(experiment)
    if floor is None:
        return None
    asked = {"machine": dict(host), "definition of the experiment": definition, "target": target, "arm": arm}
    found = {
        "machine": floor.host,
        "definition of the experiment": floor.definition,
        "target": floor.target,
        "arm": floor.arm,
    }
    other = [name for name in asked if asked[name] != found[name]]
    if other:
        told(f"{out / FILE} has a floor of another {' and '.join(other)}; it is not used (rulezero aa measures one)")
    return None if other else floor


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
