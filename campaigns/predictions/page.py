"""docs/predictions.md: a row for each closed form, over all seeds."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import fmean

from campaigns.predictions.found import Run, Told
from rulezero.report.words import number

_HEAD = """# Predicted beside measured

<!-- Printed by `python -m campaigns.predictions --markdown`; a test fails when they differ. -->

Every experiment states in a closed form, or by playing it out, what it expects. A form takes from the run what it is
a form of: the rate that was offered, a capacity, a latency. Where that is not known before the fault it is taken from
later: `queue_backlog` takes the capacity of the hold, `tail_latency` the median in the fault. `retry_storm` goes
farthest, because near saturation one part in a hundred of the capacity is a seventh of the time: its very arrivals
are worked off as fast as the service was seen to work right after the stall. That tests the law of the line and
foretells nothing. What is predicted never to come back has no row; a check of the experiment asks for it.

A row is one arm. Ratio is measured over predicted, the least and the greatest over the seeds; **band** is the range in
which it must lie, or the run is no support for the prediction.
"""
_FOOT = """
{runs} runs, with the seeds {seeds}; {supported} supported, {invalid} invalid. An invalid run counts in no row.
{reasons}
Measured on {cores} cores, {platform}, Python {python}. To measure it again, in three quarters of an hour a seed:
`python -m campaigns.predictions`. The arms and their faults are in `experiments/`, the forms in
`rulezero/analysis/predict.py`.
"""
_HEADS = ("experiment", "arm", "what", "predicted", "measured", "ratio", "band", "within")
_MISSING = "-"


def page(runs: Sequence[Run]) -> str:
    """Return the page. `runs` are by experiment and seed, and at least one."""
    seeds = ", ".join(str(seed) for seed in sorted({run["seed"] for run in runs}))
    reasons = [f"- {run['experiment']}, seed {run['seed']}: {why}" for run in runs for why in run["invalid_reasons"]]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (_HEADS, ["---"] * len(_HEADS), *_rows(runs)))
    return f"{_HEAD}\n{table}\n" + _FOOT.format(
        **runs[0]["host"],
        runs=len(runs),
        seeds=seeds,
        supported=sum(run["verdict"] == "supported" for run in runs),
        invalid=sum(bool(run["invalid_reasons"]) for run in runs),
        reasons="\n".join(("", *reasons, "")) if reasons else "",
    )


def _rows(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    for experiment, group in groupby(runs, key=lambda run: run["experiment"]):
        by_form: dict[tuple[str, str], list[Told]] = {}
        for run in group:
            for told in [] if run["invalid_reasons"] else run["predictions"]:
                by_form.setdefault((told["arm"], told["name"]), []).append(told)
        for (arm, name), told_of in by_form.items():
            yield (f"`{experiment}`", f"`{arm}`", name, *_figures(told_of))


def _figures(told_of: Sequence[Told]) -> tuple[str, ...]:
    ratios = [
        told["measured"] / told["predicted"] for told in told_of if told["predicted"] and told["measured"] is not None
    ]
    band = told_of[0]["band"]
    return (
        _mean([told["predicted"] for told in told_of]),
        _mean([told["measured"] for told in told_of]),
        " to ".join(dict.fromkeys(f"{ratio:.2f}" for ratio in (min(ratios), max(ratios)))) if ratios else _MISSING,
        f"{1 - band:.2f} to {1 + band:.2f}",
        f"{sum(told['within'] is True for told in told_of)} of {len(told_of)}",
    )


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return number(fmean(known)) if known else _MISSING
