"""The tables of a verdict as text cells, shared by HTML, Markdown and terminal.

No percentile is given without the failures beside it: where good answers are few, their latency says little.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rulezero.checks import kept
from rulezero.experiment import MEASURED
from rulezero.report.words import MISSING, number, share, times, with_unit

Verdict = Mapping[str, Any]

# Poisson arrivals alone move attempts per request by some per cent between phases.
AMPLIFIED = 1.1


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmRow:
    """One arm beside the others, by phase.

    `kept` is the good share of what was offered, relative to that of the arm's own baseline: a crowd that is served
    well does not count as more than all. `effect` says by what: goodput, or the experiment's yardstick.
    """

    name: str
    defences: str
    goodput: Mapping[str, str]
    kept: Mapping[str, str]
    failed: str
    recovery: str
    amplification: str
    origin_loads: str
    yardstick: str
    effect: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseRow:
    """One arm in one phase: the latency of its good answers and what became of the rest."""

    arm: str
    phase: str
    p50: str
    p99: str
    failed: str
    outcomes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionRow:
    """A predicted value beside the measured one; `ratio` is the measured over the predicted."""

    arm: str
    name: str
    formula: str
    predicted: str
    measured: str
    ratio: str
    accepted: str
    within: str


def arm_rows(verdict: Verdict) -> list[ArmRow]:
    """Return one row per arm, in the order they ran."""
    measures = {"goodput": "goodput", "yardstick": verdict.get("yardstick")}
    return [_arm_row(arm, measures) for arm in verdict.get("arms", ())]


def phase_rows(verdict: Verdict) -> list[PhaseRow]:
    """Return one row per arm and measured phase."""
    return [
        PhaseRow(
            arm=arm["name"],
            phase=phase,
            p50=with_unit(_of(arm, "latency_ms", phase, {}).get("p50"), "ms"),
            p99=with_unit(_of(arm, "latency_ms", phase, {}).get("p99"), "ms"),
            failed=failed_share(arm, phase),
            outcomes=outcomes_text(arm, phase),
        )
        for arm in verdict.get("arms", ())
        for phase in MEASURED
    ]


def prediction_rows(verdict: Verdict) -> list[PredictionRow]:
    """Return every prediction of every arm."""
    return [
        PredictionRow(
            arm=arm["name"],
            name=each["name"],
            formula=each["formula"],
            predicted=number(each["predicted"]),
            measured=number(each["measured"]),
            ratio=_ratio(each["measured"], each["predicted"]),
            accepted=_accepted(each["predicted"], each["band"]),
            within={True: "yes", False: "no"}.get(each["within"], "not measured"),
        )
        for arm in verdict.get("arms", ())
        for each in arm.get("predictions") or ()
    ]


def unexercised(verdict: Verdict) -> list[str]:
    """Return, for each arm with defences that were on and never decided anything, which."""
    return [
        f"{arm['name']}: on, but never decided anything: {', '.join(arm['not_exercised'])}"
        for arm in verdict.get("arms", ())
        if arm.get("not_exercised")
    ]


def failed_share(arm: Mapping[str, Any], phase: str) -> str:
    """Return the share of offered requests that did not end as good answers."""
    offered_rps, good_rps = _of(arm, "offered_rps", phase), _of(arm, "goodput_rps", phase)
    return share(offered_rps - good_rps, offered_rps) if offered_rps and good_rps is not None else MISSING


def outcomes_text(arm: Mapping[str, Any], phase: str) -> str:
    """Return the failing outcomes by number of requests, the most frequent first; late answers among them."""
    failing = sorted(failures(arm, phase).items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in failing if count) or "none"


def failures(arm: Mapping[str, Any], phase: str) -> dict[str, int]:
    """Return requests by failing outcome.

    The verdict counts answers as `ok` however late; how many were too late follows from goodput and offered load.
    """
    counts = dict(_of(arm, "outcomes", phase, {}))
    total, answered = sum(counts.values()), counts.pop("ok", 0)
    offered_rps, good_rps = _of(arm, "offered_rps", phase), _of(arm, "goodput_rps", phase)
    good = round(total * good_rps / offered_rps) if offered_rps and good_rps is not None else answered
    return {"late": max(0, answered - good), **counts}


def amplification_text(arm: Mapping[str, Any]) -> str:
    """Return the link whose attempts per request grew most over its own baseline, and by what factor.

    A request may cross a link twice in the best of times, so attempts alone do not tell retries.
    """
    found = [
        (value / by_phase["baseline"], link, phase, by_phase["baseline"], value)
        for link, by_phase in (arm.get("attempts_per_request") or {}).items()
        for phase, value in by_phase.items()
        if phase != "baseline" and value is not None and by_phase.get("baseline")
    ]
    if not found:
        return MISSING
    factor, link, phase, before, value = max(found)
    if factor < AMPLIFIED:
        return "no link"
    return f"{number(factor)} x on {link} in the {phase} ({number(before)} to {number(value)})"


def best_arm(verdict: Verdict) -> Mapping[str, Any] | None:
    """Return the arm that the verdict calls the best, None when only the control ran."""
    return next((arm for arm in verdict.get("arms", ()) if arm["name"] == verdict.get("best_arm")), None)


def origin_text(loads: Mapping[str, Any] | None) -> str:
    """Return the loads at the origin: run in all, as the database counts them, and asked of it by the services."""
    if not loads:
        return MISSING
    parts = [f"{number(loads.get('total'))} in all"]
    parts += [f"{number(loads[key])} {text}" for key, text in _LOADS if loads.get(key) is not None]
    return ", ".join(parts)


_LOADS = (("per_expiry", "per expiry"), ("burst", "after the crowd came"), ("burst_wanted", "wanted by then"))


def _arm_row(arm: Mapping[str, Any], measures: Mapping[str, str | None]) -> ArmRow:
    baseline_rps = _of(arm, "goodput_rps", "baseline")
    by = measures.get(arm.get("effect_by") or "")
    return ArmRow(
        name=arm["name"],
        defences="; ".join([", ".join(arm.get("defences") or ()) or "none", *_settings(arm)]),
        goodput={phase: number(_of(arm, "goodput_rps", phase)) for phase in MEASURED},
        kept={phase: share(kept(arm, phase), 1) if baseline_rps else MISSING for phase in MEASURED},
        failed=failed_share(arm, "fault"),
        recovery="not recovered" if arm.get("recovery_s") is None else f"{number(arm['recovery_s'])} s",
        amplification=amplification_text(arm),
        origin_loads=origin_text(arm.get("origin_loads")),
        yardstick=number(arm.get("yardstick")) if measures["yardstick"] else MISSING,
        effect=(arm.get("effect") or MISSING) + (f" by {by.partition(',')[0]}" if by else ""),
    )


def _settings(arm: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an arm sets that no defence does, as in "mailer prefetch 500"."""
    for service, settings in (arm.get("services") or {}).items():
        for name, value in settings.items():
            whose = "" if service == "*" else f"{service} "
            yield f"{whose}{name.removeprefix('RULEZERO_').lower().replace('_', ' ')} {value}"


def _of(arm: Mapping[str, Any], figure: str, phase: str, missing: Any = None) -> Any:
    value = (arm.get(figure) or {}).get(phase)
    return missing if value is None else value


def _ratio(measured: float | None, predicted: float | None) -> str:
    return MISSING if measured is None or not predicted else times(measured / predicted)


def _accepted(predicted: float | None, band: float) -> str:
    """Return the range in which a measurement is accepted; `band` is a share of the prediction."""
    if predicted is None:
        return f"within {share(band, 1)}"
    return f"{number(predicted * (1 - band))} to {number(predicted * (1 + band))}"


LEDGER: Mapping[str, str] = {
    "orders": "Orders",
    "charges": "Charges",
    "duplicate_charges": "Duplicate charges",
    "mails": "Mails",
    "duplicate_mails": "Duplicate mails",
}


def ledger_rows(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """Yield the arm and what `LEDGER` counts, for the arms with a ledger."""
    for arm in verdict.get("arms", ()):
        ledger = arm.get("ledger") or {}
        if ledger:
            yield arm["name"], *(number(ledger.get(key)) for key in LEDGER)
