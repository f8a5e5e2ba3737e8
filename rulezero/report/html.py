"""A record as one HTML file that opens offline: the page's text is Jinja templates, its charts Vega-Lite.

The page may load nothing: its Content-Security-Policy says so, and the chart library is inside it once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from rulezero.analysis import series
from rulezero.experiment import MEASURED
from rulezero.record import Record
from rulezero.report import tables, words
from rulezero.report.charts import panels
from rulezero.report.charts.breakers import breakers
from rulezero.report.charts.frame import Figure, time_axis
from rulezero.report.charts.goodput import comparison, goodput
from rulezero.report.charts.style import CONTROL, DEFENDED
from rulezero.report.traces import waterfalls


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmSection:
    """The charts of one arm."""

    name: str
    defences: str
    not_exercised: str
    figures: tuple[Figure, ...]


def render_html(record: Record) -> str:
    """Return the page of a record; also of one that was interrupted, with what there is."""
    sections = list(_sections(record))
    first = _comparison(record)
    figures = [*([first] if first else []), *(figure for section in sections for figure in section.figures)]
    verdict = record.verdict
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            verdict=verdict,
            manifest=record.manifest,
            title=verdict.get("experiment") or record.manifest.get("experiment", "record"),
            question=verdict.get("question") or record.manifest.get("question", ""),
            prediction=verdict.get("prediction") or record.manifest.get("prediction", ""),
            valid=verdict.get("valid", False),
            reasons=_reasons(record),
            comparison=first,
            sections=sections,
            arms=tables.arm_rows(verdict),
            phases=tables.phase_rows(verdict),
            predictions=tables.prediction_rows(verdict),
            ledger=list(tables.ledger_rows(verdict)),
            waterfalls=waterfalls(record.rows, record.spans),
            measured_phases=MEASURED,
            faults=_fault_texts(record),
            specs={figure.key: figure.spec for figure in figures},
            library=_library(),
        )
    )


def _reasons(record: Record) -> list[str]:
    """Return why the record is not valid."""
    reasons = list(record.verdict.get("invalid_reasons", ()))
    if record.manifest.get("interrupted") and not any("interrupt" in reason for reason in reasons):
        reasons.append("the run was interrupted")
    if not record.verdict:
        reasons.append("the record has no verdict")
    return reasons


def _fault_texts(record: Record) -> list[str]:
    """Return what happened to the system, each kind once; expiries and bursts come many times."""
    axes = [time_axis(record.manifest, arm["name"]) for arm in record.manifest.get("arms", ())]
    return list(dict.fromkeys(text for axis in axes for text, _, _ in axis.faults if text != "fault"))


def _comparison(record: Record) -> Figure | None:
    control = record.verdict.get("control") or record.manifest.get("control", "")
    names = [arm["name"] for arm in record.manifest.get("arms", ())]
    best = tables.best_arm(record.verdict)
    others = [best["name"]] if best else [name for name in names if name != control][:1]
    axis = time_axis(record.manifest, others[0] if others else control)
    requests = series.requests_per_second(record.rows, record.manifest, bucket_s=axis.bucket_s)
    return comparison(requests, [name for name in names if name in (control, *others)], control, axis)


def _sections(record: Record) -> Iterator[ArmSection]:
    rows = {row.name: row for row in tables.arm_rows(record.verdict)}
    for index, arm in enumerate(record.manifest.get("arms", ())):
        only = pl.col("arm") == arm["name"]
        part = rows.get(arm["name"])
        yield ArmSection(
            name=arm["name"],
            defences=", ".join(arm.get("defences") or ()) or "none",
            not_exercised=part.not_exercised if part else "",
            figures=tuple(_arm_figures(record, arm["name"], f"arm{index}", record.rows.filter(only), only)),
        )


def _arm_figures(record: Record, arm: str, key: str, rows: pl.DataFrame, only: pl.Expr) -> Iterator[Figure]:
    axis = time_axis(record.manifest, arm)
    metrics, manifest, bucket_s = record.metrics.filter(only), record.manifest, axis.bucket_s
    requests = series.requests_per_second(rows, manifest, bucket_s=bucket_s)
    if requests.is_empty():
        return
    stroke = CONTROL if arm == manifest.get("control") else DEFENDED
    drawn = (
        goodput(requests, arm, key, stroke, axis),
        panels.latency(series.latency_per_second(rows, manifest, bucket_s=bucket_s), key, axis),
        panels.failing(requests, key, axis),
        panels.attempts(
            series.attempts_per_request(rows, metrics, manifest, bucket_s=bucket_s), _links(manifest), key, axis
        ),
        panels.origin_loads(series.origin_loads_per_second(metrics, bucket_s=bucket_s), key, axis),
        panels.decisions(series.decisions_per_second(metrics, bucket_s=bucket_s), requests, key, axis),
        breakers(series.breaker_states(metrics), key, axis),
    )
    yield from (figure for figure in drawn if figure is not None)


def _links(manifest: Mapping[str, Any]) -> list[str]:
    """Return the links that routes cross, each once, in the order of the manifest."""
    return list(dict.fromkeys(link for stream in manifest["streams"] for link in stream["crosses"]))


@cache
def _library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from the wheel of vl-convert."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rulezero.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=words.number, unit=words.with_unit)
    environment.globals.update(verdict_word=words.verdict_word)
    return environment
