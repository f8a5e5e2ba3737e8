"""Goodput under the offered load, of the control against the best arm: the chart that shows the verdict."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from rulezero.report.charts.frame import Figure, TimeAxis, background, figure
from rulezero.report.charts.marks import lines
from rulezero.report.charts.style import CONTROL, DEFENDED, OFFERED, Line
from rulezero.report.words import number


def comparison(requests: pl.DataFrame, arms: Sequence[str], control: str, axis: TimeAxis) -> Figure | None:
    """Return the chart that shows the verdict; `arms` are the control and the best, or what there is of them."""
    frames = {arm: requests.filter(pl.col("arm") == arm).select("t_s", "offered", "good") for arm in arms}
    frames = {arm: frame for arm, frame in frames.items() if not frame.is_empty()}
    if not frames:
        return None
    # Every arm is offered the same arrivals; the longest one is drawn, for an interrupted arm has fewer.
    joined = max(frames.values(), key=lambda frame: frame.height).select("t_s", "offered")
    for index, frame in enumerate(frames.values()):
        joined = joined.join(frame.select("t_s", pl.col("good").alias(f"good{index}")), on="t_s", how="left")
    series = [Line(column="offered", label="offered load", stroke=OFFERED)]
    for index, arm in enumerate(frames):
        role, stroke = ("control", CONTROL) if arm == control else ("defended", DEFENDED)
        series.append(Line(column=f"good{index}", label=f"goodput of {arm} ({role})", stroke=stroke))
    summary = " ".join(goodput_sentence(arm, frame, axis) for arm, frame in frames.items())
    axis = replace(axis, titled=True)
    layers = [*background(axis), *lines(joined, series, axis)]
    return figure("comparison", "Goodput over time, requests per second", summary, series, layers, height=230)


def goodput_sentence(arm: str, requests: pl.DataFrame, axis: TimeAxis) -> str:
    """Return the means by phase as a sentence, the slices that lie wholly within the phase."""
    parts = []
    for phase, start_s, end_s in axis.phases:
        inside = requests.filter(pl.col("t_s").is_between(start_s, end_s - axis.bucket_s))
        if phase == "warmup" or inside.is_empty():
            continue
        good, offered = (float(inside.get_column(name).mean() or 0.0) for name in ("good", "offered"))  # type: ignore[arg-type]  # Float columns.
        parts.append(f"{number(good)} of {number(offered)} in the {phase}")
    return f"Good answers a second with {arm}: {', '.join(parts) or 'none recorded'}."
