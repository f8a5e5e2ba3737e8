"""The charts of a record by what they ask, each as small multiples: one per arm, alike in scale, side by side.

A section whose data a record does not have says why instead of showing an empty chart.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from rulezero.analysis import series
from rulezero.record import Record
from rulezero.report.charts import panels
from rulezero.report.charts.backlog import MEASURES, beside_lines
from rulezero.report.charts.breakers import STATES, breakers
from rulezero.report.charts.frame import Figure, TimeAxis, time_axis
from rulezero.report.charts.marks import extent_of
from rulezero.report.charts.style import Bar, Line
from rulezero.report.evidence import IDLE
from rulezero.report.queues import queue_charts, with_backlog

ATTEMPTS_SLICE_S = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One arm's chart; without a figure, why there is none."""

    heading: str
    figure: Figure | None
    absent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One question to every arm. The legend is that of all cells; `own_legends`: each cell has one of its own."""

    key: str
    title: str
    note: str
    cells: Sequence[Cell]
    legend: Sequence[Line | Bar] = ()
    own_legends: bool = False
    absent: str = ""


def sections(record: Record) -> list[Section]:
    """Return the sections of a record in the order of a page, of those that its experiment can have."""
    scene = _Scene(record)
    inside = (*_origin(scene), *_queues(scene))
    return [_outcomes(scene), _attempts(scene), *inside, _decisions(scene), _breakers(scene)]


class _Scene:
    """What every section needs: the arms, their time axes, and the requests by slice."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.manifest = record.manifest
        self.arms = [arm["name"] for arm in record.manifest.get("arms", ())]
        self.axes = {arm: time_axis(record.manifest, arm) for arm in self.arms}
        self.bucket_s = next((axis.bucket_s for axis in self.axes.values()), 1.0)

    @cached_property
    def requests(self) -> pl.DataFrame:
        return series.requests_per_second(self.record.rows, self.manifest, bucket_s=self.bucket_s)

    def heading(self, arm: str) -> str:
        return f"{arm} (control)" if arm == self.manifest.get("control") else arm

    def cells(self, key: str, draw: Callable[[str, str, TimeAxis], Figure | None]) -> list[Cell]:
        """Return the cells of the arms of which there is a figure; `draw` takes the arm, its key and its axis."""
        drawn = [(arm, draw(arm, f"{key}-{index}", self.axes[arm])) for index, arm in enumerate(self.arms)]
        return [Cell(heading=self.heading(arm), figure=figure) for arm, figure in drawn if figure is not None]

    def missing(self, cells: Iterable[Cell]) -> str:
        """Return the arms that have no cell, in words."""
        present = {cell.heading for cell in cells}
        names = [arm for arm in self.arms if self.heading(arm) not in present]
        return f"{'arm' if len(names) == 1 else 'arms'} {', '.join(names)}" if names else ""


def _outcomes(scene: _Scene) -> Section:
    requests = scene.requests
    latencies = series.latency_per_second(scene.record.rows, scene.manifest, bucket_s=scene.bucket_s)
    bars, extent = panels.outcome_bars(requests), extent_of(latencies, ("p50_ms", "p99_ms"))
    top = float(requests.select(pl.col("offered").max()).item() or 1.0)
    cells = []
    for index, arm in enumerate(scene.arms):
        mine, axis, heading = _of(requests, arm), scene.axes[arm], scene.heading(arm)
        if mine.is_empty():
            cells.append(Cell(heading=heading, figure=None, absent="No request of this arm was recorded."))
            continue
        figure = panels.outcomes(mine, bars, arm, f"outcomes-{index}", axis, top)
        cells.append(Cell(heading=f"{heading}: outcomes per second", figure=figure))
        tail = panels.latency(_of(latencies, arm), arm, f"latency-{index}", axis, extent)
        absent = "" if tail else "No answer was good, so there is no latency to show."
        cells.append(Cell(heading=f"{heading}: latency of good answers, ms", figure=tail, absent=absent))
    return Section(
        key="outcomes", title="Outcomes, and latency beside them", cells=cells, legend=[*bars, *panels.LATENCIES],
        note="Every pile is as high as the offered load. Latency counts good answers only, on a logarithmic scale; "
        "seconds without one are gaps. All charts share one time axis, in seconds since the load began, and all arms "
        "one scale.",
        absent="" if cells else "The record holds no arm.",
    )  # fmt: skip


def _attempts(scene: _Scene) -> Section:
    record = scene.record
    # At twenty requests a second, slices of one are mostly chance.
    wide_s = max(scene.bucket_s, ATTEMPTS_SLICE_S)
    tried = series.attempts_per_request(record.rows, record.metrics, scene.manifest, bucket_s=wide_s)
    start_s, end_s = next(((a, b) for name, a, b in scene.manifest["windows"] if name == "baseline"), (0.0, 0.0))
    calm = pl.col("per_request").filter(pl.col("t_s").is_between(start_s, end_s - wide_s)).mean().over("arm", "link")
    relative = tried.with_columns((pl.col("per_request") / calm).alias("relative")).filter(
        pl.col("relative").is_finite()
    )
    crossed = dict.fromkeys(link for stream in scene.manifest["streams"] for link in stream["crosses"])
    present = set(relative.get_column("link").unique())
    names = [link for link in crossed if link in present]
    links, extent = panels.series_of(names), extent_of(relative, ("relative",))
    cells = scene.cells(
        "attempts",
        lambda arm, key, axis: panels.attempts(
            _of(relative, arm), links, arm, key, replace(axis, slice_s=wide_s), extent
        ),
    )
    undrawn = [*names[panels.MANY :], *(link for link in crossed if link not in present)]
    left_out = f" Not drawn, or never tried in the baseline: {', '.join(undrawn)}." if undrawn and cells else ""
    why = "no metric was recorded" if record.metrics.is_empty() else "no link was tried in the baseline"
    return Section(
        key="attempts", title="Attempts at each hop", cells=cells, legend=links,
        note="Attempts on a link for each user request that is meant to cross it, 1 being the arm's own baseline. "
        f"Above it: retries, or a backlog that is worked off. Below: requests that never got so far.{left_out}",
        absent=_absence(scene, cells, f"Nothing to draw: {why}.", "No attempt was recorded in"),
    )  # fmt: skip


def _origin(scene: _Scene) -> list[Section]:
    loads = series.origin_loads_per_second(scene.record.metrics, bucket_s=scene.bucket_s)
    extent = extent_of(loads, ("rate",))
    cells = scene.cells(
        "origin",
        lambda arm, key, axis: panels.origin_loads(
            _of(loads, arm), _of(scene.requests, arm), arm, key, axis, extent
        ),
    )  # fmt: skip
    note = "Cache entries that were missing and had to be loaded, per second."
    absent = _absence(scene, cells, "", "Nothing was loaded in")
    return [Section(key="origin", title="Loads at the origin", note=note, cells=cells, absent=absent)] if cells else []


def _queues(scene: _Scene) -> list[Section]:
    told = with_backlog(scene.record.metrics)
    return [_queue(scene, told, name) for name in told.get_column("queue").unique().sort()]


def _queue(scene: _Scene, told: pl.DataFrame, name: str) -> Section:
    charts = queue_charts(scene.record, told, name, scene.axes, scene.arms)
    cells = [
        Cell(
            heading=f"{scene.heading(arm)}: {what}",
            figure=charts[measure, arm],
            absent="" if charts[measure, arm] else "Nobody told of this queue.",
        )
        for arm in scene.arms
        for measure, what in MEASURES.items()
    ]
    return Section(
        key=f"queue-{name}", title=f"Backlog of {name}", cells=cells, legend=beside_lines("depth"),
        note="The law takes what was offered in each phase, and what the consumers' slots can do by the time that a "
        "message held one. Nothing goes out while the consumer is dead, and nothing comes in while the queue is full.",
    )  # fmt: skip


def _decisions(scene: _Scene) -> Section:
    decided = series.decisions_per_second(scene.record.metrics, bucket_s=scene.bucket_s)
    pairs = decided.select("defence", "decision").unique()
    active = [pair for pair in pairs.iter_rows() if pair not in IDLE]
    told = decided.join(pl.DataFrame(active, schema=pairs.schema, orient="row"), on=["defence", "decision"], how="semi")
    extent = extent_of(told, ("rate",))
    cells = scene.cells(
        "decisions",
        lambda arm, key, axis: panels.decisions(_of(told, arm), _of(scene.requests, arm), arm, key, axis, extent),
    )
    return Section(
        key="decisions", title="What each defence decided", cells=cells, own_legends=True,
        note="Decisions per second, logarithmic above 1. Those that only let a call pass are in the table, not drawn.",
        absent=_absence(scene, cells, "No defence did more than let calls pass.", "No defence intervened in"),
    )  # fmt: skip


def _breakers(scene: _Scene) -> Section:
    states = series.breaker_states(scene.record.metrics)
    cells = scene.cells("breakers", lambda arm, key, axis: breakers(_of(states, arm), arm, key, axis))
    with_breakers = [arm for arm in scene.arms if not _of(states, arm).is_empty()]
    nothing = (
        f"Every circuit breaker stayed closed (in {', '.join(with_breakers)})."
        if with_breakers
        else "No circuit breaker was on in any arm."
    )
    return Section(
        key="breakers", title="Circuit breakers over time", cells=cells, legend=STATES if cells else (),
        note="The state is sampled once a second." if cells else "",
        absent=_absence(scene, cells, nothing, "No circuit breaker, or none that left the closed state, in"),
    )  # fmt: skip


def _absence(scene: _Scene, cells: Sequence[Cell], nothing: str, some: str) -> str:
    """Say what is not there: nothing at all, or something of some arms."""
    missing = scene.missing(cells)
    if not cells:
        return nothing
    return f"{some}: {missing}." if missing else ""


def _of(frame: pl.DataFrame, arm: str) -> pl.DataFrame:
    return frame.filter(pl.col("arm") == arm)
