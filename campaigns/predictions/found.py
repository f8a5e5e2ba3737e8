"""What the records in a folder say of their predictions."""

from pathlib import Path
from typing import Any, TypedDict, cast

import orjson

from rulezero.cli.experiments import changed


class Told(TypedDict):
    """One prediction of one arm, as verdict.json has it. `band` is a share of what is predicted."""

    arm: str
    name: str
    formula: str
    predicted: float | None
    measured: float | None
    band: float
    within: bool | None


class Run(TypedDict):
    """One record: its verdict, why it is invalid if it is, and its predictions."""

    experiment: str
    seed: int
    verdict: str
    invalid_reasons: list[str]
    host: dict[str, Any]
    predictions: list[Told]


def found_in(folder: Path) -> list[Run]:
    """Return the runs of a folder by experiment and seed, the last one of each.

    Left out are runs of some of the arms, and of another definition than the experiment has now.
    """
    latest: dict[tuple[str, int], Run] = {}
    for path in sorted(folder.glob("*/verdict.json")):
        manifest = orjson.loads((path.parent / "manifest.json").read_bytes())
        verdict = orjson.loads(path.read_bytes())
        whole = [arm["name"] for arm in verdict["arms"]] == verdict["arms_defined"]
        if whole and not changed(manifest):
            latest[verdict["experiment"], verdict["seed"]] = _run(manifest, verdict)
    return [latest[key] for key in sorted(latest)]


def _run(manifest: dict[str, Any], verdict: dict[str, Any]) -> Run:
    return {
        "experiment": verdict["experiment"],
        "seed": verdict["seed"],
        "verdict": verdict["verdict"],
        "invalid_reasons": verdict["invalid_reasons"],
        "host": manifest["host"],
        "predictions": [
            cast("Told", {"arm": arm["name"], **told}) for arm in verdict["arms"] for told in arm["predictions"]
        ],
    }
