"""From a record to verdict.json: figures of each arm, validity, checks, predictions, the result in words.

The verdict is supported when every check held and every prediction was within its band, refuted when a check of a
defended arm did not hold, unknown otherwise and when the run is invalid. It speaks of this one run; whether a defence
helps in general takes several pairs of runs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from rulezero.analysis.breakers import breakers
from rulezero.analysis.budget import budget
from rulezero.analysis.figures import arm_figures, arrivals_s
from rulezero.analysis.manifest import asked_by, require_judgeable
from rulezero.analysis.measures import measured
from rulezero.analysis.metastability import longest_timeout_s, state
from rulezero.analysis.traces import chosen_traces
from rulezero.analysis.validity import Observed, Validity, examine
from rulezero.checks import good_after_onset, good_share, told
from rulezero.experiment import Experiment, Yardstick
from rulezero.record import Record

SCHEMA_VERSION = 1
# Smaller differences than this share of the baseline are not told from noise by a single run.
NOTABLE = 0.05
CONTROL_STANDS = "the control did not fail"


def judge(record: Record, experiment: Experiment) -> dict[str, Any]:
    """Return the content of verdict.json; needs nothing but the record and the experiment's definition.

    Raises:
        UsageProblem: The manifest lacks something, or the experiment has changed since.

    """
    manifest = record.manifest
    require_judgeable(record)
    arms, validity = _judge_arms(record, experiment)
    with asked_by(experiment, record):
        checks = _ask(experiment, arms)
    reasons = _invalid_reasons(manifest, arms, validity, checks)
    _compare(arms, manifest["control"], experiment.yardstick)
    verdict = _verdict(reasons, checks, arms)
    best = best_arm(list(arms.values()), manifest["control"], experiment.yardstick)
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": experiment.name,
        "question": experiment.question,
        "prediction": experiment.prediction,
        "seed": manifest["seed"],
        "valid": not reasons,
        "invalid_reasons": reasons,
        "verdict": verdict,
        "harm": "" if reasons else _harm(arms, manifest["control"], experiment.yardstick),
        "summary": _summary(reasons, arms, manifest["control"], experiment),
        "yardstick": experiment.yardstick.name if experiment.yardstick else None,
        "chart": experiment.yardstick.chart if experiment.yardstick else "goodput",
        "control": manifest["control"],
        "best_arm": best["name"] if best else None,
        "arms_defined": [arm.name for arm in experiment.arms],
        "checks": checks,
        "validity": [asdict(one) for one in validity],
        "arms": list(arms.values()),
        "traces": chosen_traces(record.rows, record.spans),
        "reproduce": manifest.get("reproduce", ""),
    }


def _judge_arms(record: Record, experiment: Experiment) -> tuple[dict[str, Any], list[Validity]]:
    """Return what the verdict says of each arm that left rows, but its effect; and the validity checks of all."""
    manifest = record.manifest
    arms: dict[str, Any] = {}
    validity: list[Validity] = []
    for arm in manifest["arms"]:
        rows, metrics, generator = (
            frame.filter(pl.col("arm") == arm["name"]) for frame in (record.rows, record.metrics, record.generator)
        )
        if rows.is_empty():
            continue
        arms[arm["name"]] = {**arm_figures(rows, metrics, manifest, arm), "breakers": breakers(metrics)}
        spans = record.spans.filter(pl.col("arm") == arm["name"])
        observed = Observed(arm=arm["name"], rows=rows, metrics=metrics, spans=spans, generator=generator)
        validity.extend(examine(experiment, observed, manifest))
        figures = arms[arm["name"]]
        figures["budget"] = budget(figures, figures["lengths_s"], experiment.objective)
        figures["measures"] = measured(figures)
        figures["state"] = _state(experiment, manifest, figures)
        with asked_by(experiment, record):
            _predict(experiment, figures, arrivals_s(rows, manifest))
            figures["yardstick"] = _measure(experiment.yardstick, figures)
    return arms, validity


def _state(experiment: Experiment, manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return whether an arm stayed up or came back; None where nothing was done to it."""
    if not experiment.faults and not experiment.bursts:
        return None
    cut_off = manifest["interrupted"] and figures["name"] == manifest["arms"][-1]["name"]
    return state(figures, timeout_s=longest_timeout_s(manifest), over=not cut_off)


def best_arm(
    arms: Sequence[Mapping[str, Any]], control: str, yardstick: Yardstick | None = None
) -> Mapping[str, Any] | None:
    """Return the defended arm that did best by the yardstick, None when only the control ran."""
    defended = [arm for arm in arms if arm["name"] != control]
    if yardstick is None:
        return max(defended, key=good_after_onset, default=None)
    harmless = [arm for arm in defended if arm["effect"] != "worse"] or defended
    measured = [arm for arm in harmless if arm["yardstick"] is not None]
    return min(measured, key=lambda arm: float(arm["yardstick"]), default=None)


def _measure(yardstick: Yardstick | None, figures: Mapping[str, Any]) -> float | None:
    return good_after_onset(figures) if yardstick is None else yardstick.figure(figures)


def _predict(experiment: Experiment, figures: dict[str, Any], arrivals_s: Sequence[float]) -> None:
    figures["predictions"] = []
    known = {**figures, "arrivals_s": arrivals_s}
    for prediction in experiment.predictions:
        if prediction.arm != figures["name"]:
            continue
        predicted, measured = prediction.predicted(known), prediction.measured(known)
        figures["predictions"].append(
            {
                "name": prediction.name,
                "formula": prediction.formula,
                "predicted": predicted,
                "measured": measured,
                "band": prediction.band,
                "within": None
                if predicted is None or measured is None
                else abs(measured - predicted) <= prediction.band * predicted,
            }
        )


def _ask(experiment: Experiment, arms: Mapping[str, Any]) -> list[dict[str, Any]]:
    asked = [check for check in experiment.checks if all(name in arms for name in check.arms)]
    return [{"control": check.control, **asdict(check.judge(arms))} for check in asked]


def _invalid_reasons(
    manifest: Mapping[str, Any],
    arms: Mapping[str, Any],
    validity: Sequence[Validity],
    checks: Sequence[Mapping[str, Any]],
) -> list[str]:
    reasons = ["the run was interrupted"] if manifest["interrupted"] else []
    reasons += [
        f"{one['arm']}: {one['part']} ended by itself ({one['status']}): {one['log_tail']}" for one in manifest["exits"]
    ]
    reasons += [f"{arm['name']}: nothing was recorded" for arm in manifest["arms"] if arm["name"] not in arms]
    reasons += [f"{one.arm}: {one.text}" for one in validity if not one.ok]
    reasons += [f"{CONTROL_STANDS}: {check['text']}" for check in checks if check["control"] and not check["held"]]
    if manifest["control"] not in arms:
        reasons.append(f"the control ({manifest['control']}) did not run, so there is nothing to compare with")
    return reasons


def _compare(arms: Mapping[str, Any], control: str, yardstick: Yardstick | None) -> None:
    for name, figures in arms.items():
        if name == control or control not in arms:
            figures["effect"], figures["effect_by"] = "control" if name == control else "not compared", None
            continue
        gain = _gain(figures["yardstick"], arms[control]["yardstick"], yardstick)
        by = "goodput" if yardstick is None else "yardstick"
        loses = good_after_onset(figures) < good_after_onset(arms[control]) - NOTABLE
        if loses and not (yardstick and yardstick.alone):
            effect, by = "worse", "goodput"  # Whatever else it did better: goodput comes first.
        elif gain is None:
            effect = "not compared"
        else:
            effect = "better" if gain > NOTABLE else "worse" if gain < -NOTABLE else "no difference"
        figures["effect"], figures["effect_by"] = effect, None if effect == "not compared" else by


def _gain(value: float | None, control: float | None, yardstick: Yardstick | None) -> float | None:
    """Return by how much an arm is better: in shares of the baseline's goodput, or of the control's yardstick."""
    if value is None or control is None:
        return None
    if yardstick is None:
        return value - control
    if not control:
        return -math.inf if value > 0 else 0.0
    return (control - value) / control


def _verdict(reasons: Sequence[str], checks: Sequence[Mapping[str, Any]], arms: Mapping[str, Any]) -> str:
    claims = [check for check in checks if not check["control"]]
    if reasons or not claims:
        return "unknown"  # A control that fails by itself supports nothing.
    if not all(check["held"] for check in checks):
        return "refuted"
    # A figure outside its band means that something here is not understood, whichever way it is off.
    return "unknown" if _outside(arms) else "supported"


def _outside(arms: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {prediction['name']}"
        for name, figures in arms.items()
        for prediction in figures["predictions"]
        if prediction["within"] is not True
    ]


def _summary(reasons: Sequence[str], arms: Mapping[str, Any], control: str, experiment: Experiment) -> str:
    yardstick = experiment.yardstick
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        first = reasons[0].splitlines()[0]  # A reason may quote a log.
        return f"This run is invalid and says nothing: {first}{more}."
    best = best_arm(list(arms.values()), control, yardstick)
    undefended = _told(yardstick, control, arms[control])
    if len(experiment.arms) == 1:
        return f"{undefended}; {_foretold(arms[control])}."
    if best is None:
        others = "no other arm could be measured by it" if len(arms) > 1 else "no defended arm ran"
        return f"{undefended}; {others}."
    missed = _outside(arms)
    off = f" Outside the predicted band, or not measured: {'; '.join(missed)}." if missed else ""
    defended = f"{good_after_onset(best):.0%}" if yardstick is None else told(best["yardstick"])
    return f"{undefended}; with {best['name']} {defended}.{off}"


def _foretold(figures: Mapping[str, Any]) -> str:
    """Return what was measured beside what was predicted: all there is to say of an experiment with a single arm."""
    return "; ".join(
        f"{one['name']}: "
        + ("not measured" if one["measured"] is None else told(one["measured"]))
        + ("" if one["predicted"] is None else f" ({told(one['predicted'])} was predicted)")
        for one in figures["predictions"]
    )


def _harm(arms: Mapping[str, Any], control: str, yardstick: Yardstick | None) -> str:
    """Return the sentence that names who made it worse, by what each was compared; nothing when nobody did."""
    worse = [
        f"{name} made it worse: "
        + (
            f"{yardstick.name}: {told(figures['yardstick'])}"
            if yardstick and figures["effect_by"] == "yardstick"
            else f"{good_after_onset(figures):.0%} of the requests went well"
        )
        for name, figures in arms.items()
        if figures["effect"] == "worse"
    ]
    # Whatever it saves in the fault: most days have none.
    before = good_share(arms[control], "baseline")
    worse += [
        f"{name} made it worse before the fault: {share:.1%} of the requests went well, {before:.1%} with {control}"
        for name, figures in arms.items()
        if (share := good_share(figures, "baseline")) < before - NOTABLE
    ]
    return f"HARM: {'; '.join(worse)}." if worse else ""


def _told(yardstick: Yardstick | None, control: str, figures: Mapping[str, Any]) -> str:
    down = ", and it stayed down after the fault (metastable)" if _metastable(figures) else ""
    if yardstick is None:
        who = "Without a defence" if control == "none" else f"With {control}"
        return f"{who} {good_after_onset(figures):.0%} of the requests from the fault on went well{down}"
    value = figures["yardstick"]
    return f"{yardstick.name}: with {control} " + ("not measured" if value is None else told(value)) + down


def _metastable(figures: Mapping[str, Any]) -> bool:
    return figures["state"] is not None and figures["state"]["state"] == "metastable"
