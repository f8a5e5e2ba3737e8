"""A record as one HTML file that opens offline: the page's text is Jinja templates, its charts Vega-Lite.

The page may load nothing: its Content-Security-Policy says so, and the chart library is inside it once.
"""

from functools import cache

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from rulezero.experiment import MEASURED
from rulezero.record import Record
from rulezero.report import evidence, tables, words
from rulezero.report.charts.palette import DARK, LIGHT
from rulezero.report.grafana import grafana_links
from rulezero.report.headline import comparison_of
from rulezero.report.inside import inside_table
from rulezero.report.sections import sections
from rulezero.report.states import state_note, state_table
from rulezero.report.traces import absent_traces, waterfalls


def render_html(record: Record) -> str:
    """Return the page of a record; also of one that was interrupted, with what there is."""
    parts = sections(record)
    first = comparison_of(record)
    drawn = [first, *(cell.figure for part in parts for cell in part.cells)]
    verdict = record.verdict
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            verdict=verdict,
            manifest=record.manifest,
            title=verdict.get("experiment") or record.manifest.get("experiment", "record"),
            question=verdict.get("question") or record.manifest.get("question", ""),
            prediction=verdict.get("prediction") or record.manifest.get("prediction", ""),
            valid=verdict.get("valid", False),
            reasons=evidence.invalid_reasons(record),
            comparison=first,
            sections=parts,
            arms=tables.arm_rows(verdict),
            unexercised=tables.unexercised(verdict),
            states=state_table(verdict),
            state_note=state_note(verdict),
            inside=inside_table(verdict),
            phases=tables.phase_rows(verdict),
            predictions=tables.prediction_rows(verdict),
            decisions=evidence.decision_rows(verdict),
            validity=evidence.validity_table(verdict),
            ledger=list(tables.ledger_rows(verdict)),
            ledger_heads=list(tables.LEDGER.values()),
            waterfalls=waterfalls(record.rows, record.spans),
            absent_traces=absent_traces(record.rows, record.spans),
            missed_scrapes=evidence.missed_scrapes(record.manifest),
            measured_phases=MEASURED,
            faults=evidence.fault_texts(record.manifest),
            grafana=grafana_links(record.manifest),
            specs={figure.key: figure.spec for figure in drawn if figure is not None},
            library=library(),
        )
    )


@cache
def library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from the wheel of vl-convert."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")


@cache
def environment() -> Environment:
    """Return what renders the templates of pages and pictures."""
    environment = Environment(
        loader=PackageLoader("rulezero.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=words.number, unit=words.with_unit)
    environment.globals.update(verdict_word=words.verdict_word, light=LIGHT, dark=DARK)
    return environment
