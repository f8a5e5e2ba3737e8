"""The picture of a record, and the one that README shows."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.record import Record, read_record
from rulezero.report.charts.palette import DARK, LIGHT
from rulezero.report.keep import BYTES_MAX
from rulezero.report.picture import picture_png, picture_svg

ROOT = Path(__file__).parents[2]
COMMITTED, PICTURE = ROOT / "docs/records/cascading_failure", ROOT / "docs/cascading_failure.svg"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
EVIL = "<script>alert(1)</script> & \"'"


def drawn(svg: str) -> tuple[list[tuple[str, str, str]], list[float]]:
    """Return the elements with their texts and colours, and every number of their shapes."""
    elements = list(ET.fromstring(svg).iter())  # noqa: S314 - it was drawn here.
    shape = [(each.tag, (each.text or "").strip(), each.get("stroke", "")) for each in elements]
    numbers = [float(one) for each in elements for one in NUMBER.findall(each.get("d", "") + each.get("transform", ""))]
    return shape, numbers


def test_it_says_all_by_itself(record: Record) -> None:
    """Question, verdict, what is drawn, and a line for the load and for each of the two arms."""
    svg = picture_svg(record)
    text = " ".join(" ".join(ET.fromstring(svg).itertext()).split())  # noqa: S314 - it was drawn here.
    for part in (record.verdict["question"], "Supported: the prediction held.", "offered load", "fault", "hold",
                 "goodput of none (control)", "goodput of circuit_breaker (defended)", "seed 1"):  # fmt: skip
        assert part in text


def test_it_needs_nothing_of_a_page(record: Record) -> None:
    """Colours are written out, the pattern of the fault is inside, and dark swaps every colour that is used."""
    svg = picture_svg(record)
    assert "var(" not in svg
    assert set(re.findall(r"url\(#([a-z-]+)\)", svg)) == {"hatch-fault"}
    assert 'id="hatch-fault"' in svg
    body = svg.partition("</style>")[2]
    assert set(re.findall(r"#[0-9a-f]{6}", body)) <= set(LIGHT.values())
    for name in ("page", "ink", "fault", "series-1"):
        assert f'[fill="{LIGHT[name]}"] {{ fill: {DARK[name]} }}' in svg


def test_text_of_the_record_is_text(record: Record) -> None:
    """It cannot become markup."""
    evil = replace(record, verdict={**record.verdict, "question": EVIL, "summary": EVIL})
    assert not [each for each in ET.fromstring(picture_svg(evil)).iter() if each.tag.endswith("script")]  # noqa: S314 - it was drawn here.


def test_an_invalid_run_is_no_evidence(record: Record) -> None:
    """The picture says so instead of the verdict."""
    svg = picture_svg(replace(record, verdict={**record.verdict, "valid": False}))
    assert "Invalid run: nothing can be concluded from it." in svg
    assert "Supported" not in svg


def test_nothing_to_draw_is_told(record: Record) -> None:
    """A record that ended before its first request."""
    with pytest.raises(UsageProblem, match="holds no request to draw"):
        picture_svg(replace(record, rows=record.rows.clear()))


def test_a_png_of_it(record: Record) -> None:
    """For places that take no SVG."""
    assert picture_png(picture_svg(record)).startswith(b"\x89PNG")


def test_the_committed_picture_is_drawn_from_the_committed_record() -> None:
    """`make picture` says the same; a renderer may place things a hair apart on another machine."""
    now, committed = drawn(picture_svg(read_record(COMMITTED))), drawn(PICTURE.read_text(encoding="utf-8"))
    assert now[0] == committed[0]
    assert now[1] == pytest.approx(committed[1], abs=0.5)


def test_the_committed_record_is_small_and_good() -> None:
    """Valid, supported, whole, and README shows its picture."""
    record = read_record(COMMITTED)
    assert (record.verdict["valid"], record.verdict["verdict"]) == (True, "supported")
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < BYTES_MAX
    assert f"({PICTURE.relative_to(ROOT)})" in (ROOT / "README.md").read_text(encoding="utf-8")
