"""What a gate compares: the measures of each arm, from a record's verdict.json, a series.json or a kept baseline."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec

from rulezero.analysis.compared import compare
from rulezero.analysis.judge import CONTROL_STANDS
from rulezero.errors import UsageProblem
from rulezero.series import FILE as SERIES
from rulezero.series import Arms, Series

VERDICT = "verdict.json"
_MANIFEST = "manifest.json"
_SERIES_KIND = "ab"  # The others vary what they run, so that a mean over their runs means nothing.
_OVER = ("complete", "clear")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The measures of each arm, the mean over `runs` valid runs; `reasons` say why it says nothing.

    This is what a kept baseline holds. A measure that a run has not is None, and so is its mean. `definition` is the
    experiment's file as a hash, `target` where the system ran; None where nothing tells it. Only what has the same of
    both is compared.
    """

    experiment: str
    runs: int
    arms: Arms
    definition: str | None = None
    target: str | None = None
    reasons: list[str] = []


class _Arm(msgspec.Struct):
    name: str
    measures: dict[str, float | None]


class _Verdict(msgspec.Struct):
    experiment: str
    valid: bool
    invalid_reasons: list[str]
    arms: list[_Arm]


class _Manifest(msgspec.Struct):
    definition: str | None = None
    target: str | None = None


def read_snapshot(path: Path) -> Snapshot:
    """Return what a folder of a record or a series says, or one of their files, or a kept baseline.

    Raises:
        UsageProblem: It is none of these, or cannot be read.

    """
    try:
        if path.is_dir():
            path = path / (SERIES if (path / SERIES).exists() else VERDICT)
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        if "entries" in content:
            return _of_series(msgspec.convert(content, Series), path)
        if "validity" in content:
            return _of_verdict(msgspec.convert(content, _Verdict), _manifest_beside(path))
        return msgspec.convert(content, Snapshot)
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}; name a record, a series of `rulezero ab`, or a file") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        remedy = "name a verdict.json, a series.json or what `rulezero gate --save` wrote"
        raise UsageProblem(f"{path} holds no measures ({error}); {remedy}") from None


def encode(snapshot: Snapshot) -> str:
    """Return what to keep of it: a few lines to commit."""
    return msgspec.json.format(msgspec.json.encode(snapshot, order="deterministic"), indent=2).decode() + "\n"


def _manifest_beside(verdict: Path) -> _Manifest:
    """Return what a record was measured by, which its manifest says; nothing of a verdict that was copied alone."""
    path = verdict.with_name(_MANIFEST)
    if not path.exists():
        return _Manifest()
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageProblem(f"{path} is no manifest ({error}); run the experiment again") from None


def _of_verdict(verdict: _Verdict, manifest: _Manifest) -> Snapshot:
    # A control that stands where it fell says nothing of defences, but of a change to the system it is good news.
    invalid = verdict.invalid_reasons or ([] if verdict.valid else ["the run is invalid"])
    reasons = [reason for reason in invalid if not reason.startswith(CONTROL_STANDS)]
    return Snapshot(
        experiment=verdict.experiment,
        runs=1,
        arms={arm.name: arm.measures for arm in verdict.arms},
        definition=manifest.definition,
        target=manifest.target,
        reasons=reasons,
    )


def _of_series(series: Series, path: Path) -> Snapshot:
    if series.kind != _SERIES_KIND:
        raise UsageProblem(f"{path} was made by `rulezero {series.kind}`; a gate takes those of `rulezero ab`")
    valid = [entry.arms for entry in series.valid()]
    return Snapshot(
        experiment=series.experiment,
        runs=len(valid),
        arms=_mean(valid),
        reasons=_reasons_of(series),
        definition=series.asked["definition"],
        target=series.asked["target"],
    )


def _reasons_of(series: Series) -> list[str]:
    """Return why a series says nothing, empty when it is over. Raises UsageProblem when it does not say its options."""
    found = compare(series)
    if not found.pairs:
        return ["the series has no valid run"]
    if found.ending in _OVER:
        return []
    return [f"the series has {found.pairs} of {found.pairs_asked} valid pairs and no clear answer; go on with --resume"]


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
