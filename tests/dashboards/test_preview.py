"""Pictures of boards: every kind of panel is drawn, and an empty one is seen."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboards import __main__ as command
from dashboards.boards import BOARDS
from dashboards.drawing import cards, charts
from dashboards.drawing.charts import Drawn, Marks
from dashboards.drawing.style import colours, fits, shown
from dashboards.model import BAD, GOOD, QUIET, Panel, Query
from dashboards.panels import ribbon
from dashboards.preview import picture
from dashboards.prometheus_api import Prometheus, Series, Span
from tests.dashboards.fake_prometheus import answering, success

SPAN = Span(start_s=0.0, end_s=60.0)
SIZE = (400.0, 180.0)
_BUCKETS = ("0.1", "0.25", "+Inf")


def series(*values: float, **labels: str) -> Series:
    return Series(labels=labels, points=tuple((float(at_s), value) for at_s, value in enumerate(values)))


def panel(kind: Any, *queries: Query, **options: Any) -> Panel:
    return Panel(kind=kind, title="T", description="D", unit="s", queries=queries or (Query(expr="x"),), **options)


def drawn(*values: float, **options: Any) -> Drawn:
    return Drawn(series=series(*values), name="one", colour="#123456", **options)


def everything(_path: str, _form: dict[str, str]) -> tuple[int, Any]:
    """Answer with two series that have every label that any panel needs."""
    points = [[at_s, str(1 + at_s % 3)] for at_s in range(60)]
    found = []
    for index, bucket in enumerate(_BUCKETS):
        labels = dict.fromkeys(("job", "slo", "outcome", "arm", "phase", "type", "proxy", "defence"), f"n{index}")
        labels |= {"le": bucket, "source": "users" if index == 0 else "edge", "target": f"to{index}", "id": str(index)}
        found.append({"metric": labels, "value": [60, "2"], "values": points})
    return success(found)


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    with answering(everything) as url:
        yield Prometheus(url)


@pytest.mark.wall_clock
@pytest.mark.parametrize("board", BOARDS, ids=[board.name for board in BOARDS])
def test_every_board_can_be_drawn(board: Any, prometheus: Prometheus) -> None:
    """As wide as promised, small enough for a repository, and complete."""
    made = picture(board, prometheus, SPAN)
    width, height = struct.unpack(">II", made.png[16:24])
    assert width == 1600
    assert 600 < height < 2500
    assert len(made.png) < 400_000
    assert made.empty == ()
    traces = sum(one.kind == "traces" for one in board.panels)
    count = len(board.panels) + len(ribbon()) - traces
    assert made.told == f"{count} of {count} panels have data"


@pytest.mark.wall_clock
def test_an_empty_panel_is_told() -> None:
    """By name, unless it may be empty; then the picture says why."""
    with answering(lambda _path, _form: success([])) as url:
        made = picture(BOARDS[0], Prometheus(url), SPAN)
    assert made.told.startswith("0 of ")
    assert "Offered and good" in made.empty
    assert "Active faults" not in made.empty
    assert "NO DATA" in cards.nothing("", SIZE)
    assert "No data: nobody failed" in cards.nothing("nobody failed", SIZE)


def test_lines_are_not_drawn_over_gaps() -> None:
    """Two stretches are two lines; dashes and colours are the series' own."""
    gap = Series(labels={}, points=((0.0, 1.0), (1.0, 1.0), (10.0, 1.0), (11.0, 1.0)))
    whole = charts.over_time(panel("lines"), [drawn(1, 1, 1, 1)], SPAN, Marks(), SIZE)
    parted = charts.over_time(
        panel("lines"), [Drawn(series=gap, name="g", colour="#123456", dashed=True)], SPAN, Marks(), SIZE
    )
    assert whole.count('stroke="#123456"') == 1
    assert parted.count('stroke="#123456"') == 2
    assert 'stroke-dasharray="8,5"' in parted


def test_a_logarithmic_axis_has_a_place_for_zero() -> None:
    """A line at 0 is drawn at the bottom of it, and a hundred at the top."""
    burning = replace(panel("lines", log_base=2), unit="none")
    svg = charts.over_time(burning, [drawn(0, 0, 100)], SPAN, Marks(), SIZE)
    assert "NaN" not in svg
    assert [f">{label}<" in svg for label in ("0", "1", "10", "100", "20")] == [True, True, True, True, False]


def test_faults_and_arms_are_marked() -> None:
    """A red band while a fault lasts, an orange line where an arm begins."""
    marks = Marks(faults=((10.0, 20.0),), arms=(5.0,))
    svg = charts.over_time(panel("lines"), [drawn(1, 2)], SPAN, marks, SIZE)
    assert f'fill="{BAD}"' in svg
    assert 'stroke="#FF780A"' in svg


def test_stretches_of_one_state_are_one_block() -> None:
    """As Grafana merges them."""
    assert charts.stretches(series(0, 0, 1, 1, 0), SPAN) == [(0.0, 2.0, 0.0), (2.0, 4.0, 1.0), (4.0, 5.0, 0.0)]


def test_buckets_are_told_apart() -> None:
    """Cumulative counts become counts, so that an empty bucket is empty."""
    buckets = [series(5, 5, le="0.1"), series(5, 5, le="0.25"), series(9, 9, le="+Inf")]
    svg = charts.spread(panel("heat"), buckets, SPAN, Marks(), SIZE)
    assert ">up to, s<" in svg
    assert "+Inf" in svg


def test_points_of_a_scatter_need_both_values() -> None:
    """An instant that one of them misses has no place."""
    svg = charts.against(panel("scatter"), series(1, 2, 3), series(1, 2), ("offered", "good"), SIZE)
    assert "offered" in svg
    assert "good" in svg


def test_numbers_have_the_colour_of_their_step() -> None:
    """The last step that is not above the value."""
    steps = ((None, GOOD), (1.0, BAD))
    assert GOOD in cards.numbers(panel("stat", steps=steps), [("a", 0.5)], SIZE)
    assert BAD in cards.numbers(panel("stat", steps=steps), [("a", 1.0)], SIZE)
    assert QUIET in cards.numbers(panel("stat"), [("a", 1.0)], SIZE)


def test_tables_join_their_queries_by_row() -> None:
    """A value that a row has not is a dash; rows beyond the room are counted."""
    table = panel("table", Query(expr="x", legend="first"), Query(expr="y", legend="second"), row_labels=("arm",))
    answers = [[series(1, arm="none"), series(2, arm="all")], [series(3, arm="none")]]
    svg = cards.rows(table, answers, SIZE)
    assert [word in svg for word in ("first", "second", "none", "all", ">-<")] == [True] * 5
    assert "and 1 rows more" in cards.rows(table, answers, (400.0, 50.0))


def test_callers_are_left_of_the_called() -> None:
    """Also where somebody calls back."""
    edges = [
        series(9, source="users", target="edge"), series(5, source="edge", target="catalog"),
        series(1, source="catalog", target="edge"), series(0, source="edge", target="idle"),
    ]  # fmt: skip
    svg = cards.calls(panel("graph"), edges, (900.0, 200.0))
    assert svg.index(">users<") < svg.index(">edge<")
    assert "idle" not in svg


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"), (0.0123, "s", "12.3 ms"), (2.5, "s", "2.5 s"), (0.995, "percentunit", "99.5%"),
        (1234.5, "reqps", "1,234/s"), (3_400_000.0, "bytes", "3.4 MB"), (14.4, "none", "14.4"), (3.0, "d", "3 d"),
    ],
)  # fmt: skip
def test_numbers_read_as_people_write_them(value: float, unit: str, text: str) -> None:
    """Three digits, and the unit that fits them."""
    assert shown(value, unit) == text


def test_colours_mean_the_same_everywhere() -> None:
    """A role or an outcome has its own; the rest take the next of the palette."""
    named = [(Query(expr="x", role="offered"), "offered"), (Query(expr="x"), "ok"), (Query(expr="x"), "edge")]
    offered, good, other = colours(named, by_meaning=True)
    assert (offered, good) == ("#3274D9", GOOD)
    assert other not in {offered, good}


def test_long_texts_are_cut() -> None:
    """And say so."""
    assert fits("short", 200, 12) == "short"
    assert fits("a" * 100, 100, 12).endswith("…")


@pytest.mark.wall_clock
def test_pictures_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One for each chosen board, with a line about it; a Prometheus that is not there is one line too."""
    with answering(everything) as url:
        arguments = ["preview", "--prometheus", url, "--board", "loadgen", "--out", str(tmp_path), "--end", "60"]
        assert command.main(arguments) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["loadgen.png"]
    assert "panels have data" in capsys.readouterr().out
    assert command.main(["preview", "--prometheus", url, "--out", str(tmp_path)]) == 69
    assert "does not answer" in capsys.readouterr().err
