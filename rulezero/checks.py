"""Checks that experiments share: each returns a `Check` whose sentence says the numbers it went by."""

import math
from collections.abc import Callable, Mapping

from rulezero.experiment import Check, CheckResult, Figures, PhaseName


def kept(figures: Figures, phase: PhaseName) -> float:
    """Return the good share of what was offered in a phase, relative to the baseline's; 0 where there is neither."""
    baseline = good_share(figures, "baseline")
    return good_share(figures, phase) / baseline if baseline else 0.0


def good_share(figures: Figures, phase: PhaseName) -> float:
    """Return the good share of what was offered in a phase; 0 where nothing was."""
    offered_rps = figures["offered_rps"][phase]
    return float(figures["goodput_rps"][phase] / offered_rps) if offered_rps else 0.0


def good_after_onset(figures: Figures) -> float:
    """Return the good share of what was offered in fault and hold together: what users saw from the fault on.

    Not relative to the arm's own baseline, in which its defences are on already and may do harm.
    """
    counts = [sum(figures["outcomes"][phase].values()) for phase in ("fault", "hold")]
    shares = [good_share(figures, "fault"), good_share(figures, "hold")]
    weighed = sum(count * share for count, share in zip(counts, shares, strict=True))
    return weighed / sum(counts) if sum(counts) else 0.0


def control_fails(arm: str, *, phase: PhaseName, at_most: float) -> Check:
    """Check that the undefended arm loses goodput: otherwise nothing can be said of the defences."""

    def judge(arms: Mapping[str, Figures]) -> CheckResult:
        share = kept(arms[arm], phase)
        text = f"{arm} kept {share:.0%} of its baseline's good share in {phase} (a control must fall to {at_most:.0%})"
        return CheckResult(held=share <= at_most, text=text)

    return Check(arms=(arm,), judge=judge, control=True)


def keeps_goodput(arm: str, *, phase: PhaseName, at_least: float, route: str | None = None) -> Check:
    """Check that an arm keeps this share of its baseline goodput in a phase, on all routes or on one."""

    def judge(arms: Mapping[str, Figures]) -> CheckResult:
        share, what = _kept_on(arms[arm], phase, route)
        text = f"{arm} kept {share:.0%} of {what} in {phase} (at least {at_least:.0%})"
        return CheckResult(held=share >= at_least, text=text)

    return Check(arms=(arm,), judge=judge)


def loses_goodput(arm: str, *, phase: PhaseName, at_most: float, route: str | None = None) -> Check:
    """Check that an arm which is predicted to fail does: it keeps no more than this share."""

    def judge(arms: Mapping[str, Figures]) -> CheckResult:
        share, what = _kept_on(arms[arm], phase, route)
        text = f"{arm} kept {share:.0%} of {what} in {phase} (at most {at_most:.0%} was predicted)"
        return CheckResult(held=share <= at_most, text=text)

    return Check(arms=(arm,), judge=judge)


def figure_within(
    arm: str,
    what: str,
    figure: Callable[[Figures], float | None],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    control: bool = False,
) -> Check:
    """Check that a figure of an arm, named by `what` with its unit, lies within a bound; a missing one does not."""
    low, high = -math.inf if at_least is None else at_least, math.inf if at_most is None else at_most
    given = (("at least", at_least), ("at most", at_most))
    bound = ", ".join(f"{word} {told(limit)}" for word, limit in given if limit is not None)

    def judge(arms: Mapping[str, Figures]) -> CheckResult:
        value = figure(arms[arm])
        if value is None:
            return CheckResult(held=False, text=f"{arm}: {what} could not be measured ({bound})")
        return CheckResult(held=low <= value <= high, text=f"{arm}: {what}: {told(value)} ({bound})")

    return Check(arms=(arm,), judge=judge, control=control)


def told(value: float) -> str:
    """Return a number as checks and summaries say it."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"  # Not 1e+03.


def _kept_on(figures: Figures, phase: PhaseName, route: str | None) -> tuple[float, str]:
    if route is None:
        return kept(figures, phase), "its baseline's good share"
    return kept(figures["routes"][route], phase), f"its baseline's good share on {route}"
