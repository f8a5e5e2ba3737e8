"""What a gate compares: the measures of each arm, from a record's verdict.json, a series.json or a kept baseline."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec

from rulezero.errors import UsageProblem
from rulezero.series import FILE as SERIES
from rulezero.series import Arms, Series

VERDICT = "verdict.json"
_SERIES_KIND = "ab"  # The others vary what they run, so that a mean over their runs means nothing.


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The measures of each arm, the mean over `runs` valid runs; `reasons` say why it says nothing.

    This is what a kept baseline holds. A measure that a run has not is None, and so is its mean.
    """

    experiment: str
    runs: int
    arms: Arms
    reasons: list[str] = []


class _Arm(msgspec.Struct):
    name: str
    measures: dict[str, float | None]


class _Verdict(msgspec.Struct):
    experiment: str
    valid: bool
    invalid_reasons: list[str]
    arms: list[_Arm]


def read_snapshot(path: Path) -> Snapshot:
    """Return what a folder of a record or a series says, or one of their files, or a kept baseline.

    Raises:
        UsageProblem: It is none of these, or cannot be read.

    """
    if path.is_dir():
        path = path / (SERIES if (path / SERIES).exists() else VERDICT)
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        if "entries" in content:
            return _of_series(msgspec.convert(content, Series), path)
        if "validity" in content:
            return _of_verdict(msgspec.convert(content, _Verdict))
        return msgspec.convert(content, Snapshot)
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}; name a record, a series of `rulezero ab`, or a file") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        remedy = "name a verdict.json, a series.json or what `rulezero gate --save` wrote"
        raise UsageProblem(f"{path} holds no measures ({error}); {remedy}") from None


def encode(snapshot: Snapshot) -> str:
    """Return what to keep of it: a few lines to commit."""
    return msgspec.json.format(msgspec.json.encode(snapshot, order="deterministic"), indent=2).decode() + "\n"


def _of_verdict(verdict: _Verdict) -> Snapshot:
    reasons = [] if verdict.valid else verdict.invalid_reasons or ["the run is invalid"]
    return Snapshot(
        experiment=verdict.experiment,
        runs=1,
        arms={arm.name: arm.measures for arm in verdict.arms},
        reasons=reasons,
    )


def _of_series(series: Series, path: Path) -> Snapshot:
    if series.kind != _SERIES_KIND:
        raise UsageProblem(f"{path} was made by `rulezero {series.kind}`; a gate takes those of `rulezero ab`")
    valid = [entry.arms for entry in series.valid()]
    reasons = [] if valid else ["the series has no valid run"]
    return Snapshot(experiment=series.experiment, runs=len(valid), arms=_mean(valid), reasons=reasons)


def _mean(runs: Iterable[Arms]) -> Arms:
    collected: dict[str, dict[str, list[float | None]]] = {}
    for arms in runs:
        for arm, measures in arms.items():
            for name, value in measures.items():
                collected.setdefault(arm, {}).setdefault(name, []).append(value)
    return {arm: _means(measures) for arm, measures in collected.items()}


def _means(measures: Mapping[str, list[float | None]]) -> dict[str, float | None]:
    """Return each mean; one that a run could not tell is not told: leaving that run out would favour the arm."""
    means: dict[str, float | None] = {}
    for name, values in measures.items():
        told = [value for value in values if value is not None]
        means[name] = fmean(told) if len(told) == len(values) else None
    return means
