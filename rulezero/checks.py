"""Checks that experiments share: each returns a `Check` whose sentence says the numbers it went by."""

from collections.abc import Mapping

from rulezero.experiment import Check, CheckResult, Figures, PhaseName


def kept(figures: Figures, phase: PhaseName) -> float:
    """Return the good share of what was offered in a phase, relative to the baseline's; 0 where there is neither."""
    baseline = _good_share(figures, "baseline")
    return _good_share(figures, phase) / baseline if baseline else 0.0


def _good_share(figures: Figures, phase: PhaseName) -> float:
    offered_rps = figures["offered_rps"][phase]
    return float(figures["goodput_rps"][phase] / offered_rps) if offered_rps else 0.0


def kept_after_onset(figures: Figures) -> float:
    """Return the mean of what was kept in fault and in hold: what users saw from the fault on."""
    return (kept(figures, "fault") + kept(figures, "hold")) / 2


def control_fails(arm: str, *, phase: PhaseName, at_most: float) -> Check:
    """Check that the undefended arm loses goodput: otherwise nothing can be said of the defences."""

    def judge(arms: Mapping[str, Figures]) -> CheckResult:
        share = kept(arms[arm], phase)
        text = f"{arm}: {share:.0%} of its baseline goodput in {phase} (the control must fall to {at_most:.0%} or less)"
        return CheckResult(held=share <= at_most, text=text)

    return Check(arms=(arm,), judge=judge, control=True)


def keeps_goodput(arm: str, *, phase: PhaseName, at_least: float) -> Check:
    """Check that an arm keeps this share of its baseline goodput in a phase."""

    def judge(arms: Mapping[str, Figures]) -> CheckResult:
        share = kept(arms[arm], phase)
        text = f"{arm}: {share:.0%} of its baseline goodput in {phase} (at least {at_least:.0%})"
        return CheckResult(held=share >= at_least, text=text)

    return Check(arms=(arm,), judge=judge)
