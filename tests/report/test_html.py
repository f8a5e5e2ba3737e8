"""The page of a record: whole, self-contained, safe, and there for every kind of record."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import altair as alt
import polars as pl
import pytest

from rulezero.record import Record
from rulezero.report.html import render_html

VOID = {"meta", "link", "br", "hr", "img", "input", "rect", "path", "line"}
REFERENCES = {"src", "href", "srcset", "action", "data", "poster", "xlink:href"}
OUTCOMES = ["outcomes-0", "latency-0", "outcomes-1", "latency-1"]
ORDER = ["comparison", *OUTCOMES, "attempts-0", "attempts-1", "decisions-1", "breakers-1"]
EVIL = "</script><img src=x onerror=alert(1)>'\"{{ 7*7 }}"


class Page(HTMLParser):
    """Collects what a browser would act on, and checks that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text[self.open[-1] if self.open else ""] = self.text.get(self.open[-1] if self.open else "", "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def specs(html: str) -> dict[str, dict[str, object]]:
    found = re.search(r'<script type="application/json" id="specs">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return dict(json.loads(found.group(1)))


@pytest.fixture(scope="module")
def html(record: Record) -> str:
    return render_html(record)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_it_is_a_whole_small_page(html: str, page: Page) -> None:
    """A language, a title, one h1, under 3 MB."""
    assert len(html.encode()) < 3_000_000
    assert page.all("html") == [{"lang": "en"}]
    assert page.text["title"] == "cascading_failure: rulezero report"
    assert len(page.all("h1")) == 1


def test_it_loads_nothing(html: str, page: Page) -> None:
    """References lead to places on the page only, and its policy forbids the rest."""
    references = [value for _, attributes in page.tags for name, value in attributes.items() if name in REFERENCES]
    assert references
    assert all(value is not None and value.startswith("#") for value in references)
    assert not page.all("link")
    policy = next(each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert not re.findall(r"url\((?!#)|@import", page.text["style"])
    assert "http" not in json.dumps(specs(html)).replace("https://vega.github.io/schema/vega-lite/", "")


def test_every_chart_has_its_place_its_words_and_a_valid_form(html: str, page: Page) -> None:
    """A chart for the verdict, then by question those of each arm; each says in text what it shows."""
    drawn = specs(html)
    places = [each for each in page.all("div") if "data-figure" in each]
    assert [place["data-figure"] for place in places] == ORDER
    assert set(drawn) == set(ORDER)
    assert all(place["role"] == "img" and len(place["aria-label"] or "") > 40 for place in places)
    for spec in drawn.values():
        alt.LayerChart.from_dict(spec)


def test_charts_share_one_time_axis(html: str) -> None:
    """Every x scale covers the 32 s of the run."""
    domains = re.findall(r'"x": {.*?"domain": (\[.*?\])', json.dumps(specs(html)))
    assert len(domains) > 30
    assert set(domains) == {"[0, 32.0]"}


def test_tables_have_heads(page: Page) -> None:
    """Every head cell says what it is the head of."""
    assert len(page.all("table")) >= 5
    assert {each.get("scope") for each in page.all("th")} == {"col", "row"}


def test_anchors_lead_somewhere(page: Page) -> None:
    """No link of the page is dead, no id is there twice."""
    ids = [each["id"] for _, each in page.tags if "id" in each]
    assert len(ids) == len(set(ids))
    assert {(each["href"] or "#")[1:] for each in page.all("a")} <= set(ids)
    patterns = set(re.findall(r"url\(#([a-z_-]+)\)", page.text["script"]))
    assert patterns
    assert patterns <= set(ids)


def test_the_verdict_is_on_the_first_screen(html: str) -> None:
    """The question, the verdict in words, then the chart, before any table."""
    order = [
        "Does a hanging payment",
        "Supported: the prediction held.",
        "it kept 100 % of its",
        'data-figure="comparison"',
    ]
    places = [html.index(text) for text in [*order, "<table"]]
    assert places == sorted(places)


def test_an_invalid_run_says_so_instead_of_a_verdict(record: Record) -> None:
    """With its reasons."""
    verdict = {**record.verdict, "valid": False, "invalid_reasons": ["the generator fell 7 % behind"]}
    html = render_html(replace(record, verdict=verdict))
    assert "Invalid run: nothing can be concluded" in html
    assert "<li>the generator fell 7 % behind</li>" in html
    assert "Supported" not in html


def test_text_of_the_record_is_text(record: Record) -> None:
    """Names, reasons, routes and span names cannot become markup, script or template."""
    manifest = {**record.manifest, "experiment": EVIL, "reproduce": EVIL, "faults": [
        {**fault, "text": EVIL} for fault in record.manifest["faults"]
    ]}  # fmt: skip
    verdict = {**record.verdict, "experiment": EVIL, "question": EVIL, "summary": EVIL}
    evil = pl.lit(EVIL).alias("name")
    html = render_html(replace(record, manifest=manifest, verdict=verdict, spans=record.spans.with_columns(evil)))
    page = Page(html)
    assert page.all("img") == []
    assert len(page.all("script")) == 3
    assert page.text["h1"] == EVIL
    assert any(EVIL in str(value) for value in walk(specs(html)))


def walk(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in walk(each)]
    return [leaf for each in value for leaf in walk(each)] if isinstance(value, list) else [value]


def test_a_run_without_a_success(record: Record) -> None:
    """No latency to show, and the page says so; everything else is drawn."""
    html = render_html(replace(record, rows=record.rows.with_columns(outcome=pl.lit("timeout"))))
    assert not any(key.startswith("latency") for key in specs(html))
    assert html.count("No answer was good, so there is no latency to show.") == 2
    assert "outcomes-0" in specs(html)


def test_a_run_without_spans_or_metrics(record: Record) -> None:
    """No empty chart: where one would be stands why there is none."""
    html = render_html(replace(record, spans=record.spans.clear(), metrics=record.metrics.clear()))
    assert set(specs(html)) == {"comparison", *OUTCOMES}
    for told in (
        "No spans were recorded for this run.",
        "Nothing to draw: no metric was recorded.",
        "No defence did more than let calls pass.",
        "No circuit breaker was on in any arm.",
    ):
        assert told in html


def test_an_interrupted_run(record: Record) -> None:
    """Stopped in the first arm's fault: what there is is drawn, and the page says that it is not valid."""
    only = (pl.col("arm") == "none") & (pl.col("intended_s") < 14)
    rows = record.rows.filter(only)
    metrics = record.metrics.filter((pl.col("arm") == "none") & (pl.col("t_s") < 14))
    manifest = {**record.manifest, "interrupted": True, "faults": []}
    html = render_html(replace(record, rows=rows, metrics=metrics, manifest=manifest, verdict={}))
    Page(html)
    assert "the run was interrupted" in html
    assert "No request of this arm was recorded." in html
    assert "outcomes-0" in specs(html)


def test_a_run_that_was_stopped_before_its_first_row(record: Record) -> None:
    """Empty tables make a page without charts."""
    empty = replace(
        record, rows=record.rows.clear(), metrics=record.metrics.clear(), spans=record.spans.clear(), verdict={}
    )
    html = render_html(empty)
    Page(html)
    assert specs(html) == {}


def test_a_run_that_was_stopped_before_its_first_arm(record: Record) -> None:
    """Not even an arm: still a page."""
    nothing = {name: getattr(record, name).clear() for name in ("rows", "metrics", "spans")}
    html = render_html(replace(record, manifest={**record.manifest, "arms": [], "faults": []}, verdict={}, **nothing))
    Page(html)
    assert "The record holds no arm." in html


def test_failed_scrapes_are_told(record: Record) -> None:
    """By process and arm."""
    first, second = record.manifest["arms"]
    manifest = {**record.manifest, "arms": [{**first, "missed_scrapes": {"edge": 3}}, second]}
    assert "Scrapes without an answer: 3 of edge in none." in render_html(replace(record, manifest=manifest))


def test_a_single_arm(record: Record) -> None:
    """The control alone is compared with nothing."""
    manifest = {**record.manifest, "arms": record.manifest["arms"][:1]}
    verdict = {**record.verdict, "arms": record.verdict["arms"][:1]}
    rows = record.rows.filter(pl.col("arm") == "none")
    html = render_html(replace(record, manifest=manifest, verdict=verdict, rows=rows))
    Page(html)
    assert "goodput of none (control)" in html
    assert "(defended)" not in html


def test_a_long_run_stays_small(record: Record) -> None:
    """Ten times the length makes slices wider instead of more."""
    manifest = {**record.manifest, "windows": [[name, start * 10, end * 10] for name, start, end in
                                               record.manifest["windows"]], "faults": []}  # fmt: skip
    rows = record.rows.with_columns(pl.col("intended_s", "sent_s") * 10)
    metrics = record.metrics.with_columns(pl.col("t_s") * 10)
    long = json.dumps(specs(render_html(replace(record, manifest=manifest, rows=rows, metrics=metrics))))
    assert len(long) < 6 * len(json.dumps(specs(render_html(record))))
