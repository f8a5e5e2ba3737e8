"""What Prometheus is asked, and what becomes of its answers."""

from typing import Any

import pytest

from dashboards.boards import BOARDS
from dashboards.model import Board, Panel, Query, Variable
from dashboards.prometheus_api import NoAnswer, Prometheus, Series, Span, filled, named
from tests.dashboards.fake_prometheus import answering, success

SPAN = Span(start_s=1000.0, end_s=1090.0)
BOARD = Board(
    name="one", title="One", question="?", look="", panels=(),
    variables=(Variable(name="service", label="Service", shown="edge"),),
)  # fmt: skip


def test_variables_are_filled_in_as_grafana_does() -> None:
    """A rate spans four scrapes, more where points are further apart; the range is the board's."""
    text = 'rate(x{job="$service"}[$__rate_interval]) / increase(y[$__range]) * label_replace(z, "a", "$1", "b", "c")'
    assert filled(text, BOARD, SPAN) == (
        'rate(x{job="edge"}[4s]) / increase(y[90s]) * label_replace(z, "a", "$1", "b", "c")'
    )
    wide = Span(start_s=0.0, end_s=3600.0)
    assert wide.step_s == 12
    assert filled("rate(x[$__rate_interval])", BOARD, wide) == "rate(x[13s])"


def test_no_variable_is_left_in_any_board() -> None:
    """Each board knows all the variables that its panels use, titles too."""
    for board in BOARDS:
        for panel in board.panels:
            for text in (panel.title, *(query.expr for query in panel.queries)):
                assert "$" not in filled(text, board, SPAN).replace('"$1"', ""), (board.name, text)


def test_series_are_named_by_their_labels() -> None:
    """As Grafana's legend does it."""
    series = Series(labels={"job": "edge", "result": "hit"}, points=((0.0, 1.0),))
    assert named(Query(expr="x", legend="{{job}}: {{result}}"), series) == "edge: hit"


@pytest.mark.wall_clock
def test_points_count_from_the_start_and_are_numbers() -> None:
    """What is not a number is a gap, and a series of gaps is none."""
    asked: list[tuple[str, dict[str, str]]] = []

    def answer(path: str, form: dict[str, str]) -> tuple[int, Any]:
        asked.append((path, form))
        values = [[1000, "1"], [1001, "NaN"], [1002.0, "3"], [1003, "+Inf"]]
        return success([{"metric": {"job": "edge"}, "values": values}, {"metric": {}, "values": [[1000, "NaN"]]}])

    with answering(answer) as url:
        (series,) = Prometheus(url).over("up", SPAN)
    assert asked == [("/api/v1/query_range", {"query": "up", "start": "1000.0", "end": "1090.0", "step": "1"})]
    assert series.points == ((0.0, 1.0), (2.0, 3.0))
    assert series.last == 3.0


@pytest.mark.wall_clock
def test_a_panel_over_the_whole_range_is_asked_once() -> None:
    """Tables, bars and graphs, and numbers about the range; everything else point by point."""
    paths: list[str] = []

    def answer(path: str, _: dict[str, str]) -> tuple[int, Any]:
        paths.append(path.rpartition("/")[2])
        one = {"metric": {}, "value": [1090, "1"], "values": [[1090, "1"]]}
        return success([one])

    def panel(kind: Any, expr: str) -> Panel:
        return Panel(kind=kind, title="", description="", unit="none", queries=(Query(expr=expr),))

    with answering(answer) as url:
        prometheus = Prometheus(url)
        for kind, expr in (("table", "x"), ("stat", "x[$__range]"), ("stat", "x"), ("lines", "x")):
            prometheus.answers(BOARD, panel(kind, expr), SPAN)
    assert paths == ["query", "query", "query", "query_range"]


@pytest.mark.wall_clock
def test_what_is_wrong_is_told_in_one_line() -> None:
    """An expression that is refused, something that is no Prometheus, and nobody there."""
    refused = {"status": "error", "errorType": "bad_data", "error": "parse error"}
    with answering(lambda _path, _form: (400, refused)) as url, pytest.raises(NoAnswer, match="parse error in: up"):
        Prometheus(url).over("up", SPAN)
    with answering(lambda _path, _form: (200, "hello")) as url, pytest.raises(NoAnswer, match="as a Prometheus does"):
        Prometheus(url).over("up", SPAN)
    with pytest.raises(NoAnswer, match="does not answer"):
        Prometheus(url).over("up", SPAN)


@pytest.mark.wall_clock
def test_without_load_there_is_no_range() -> None:
    """Else the range is that of the load, with a little room."""
    with answering(lambda _path, _form: success([])) as url:
        assert Prometheus(url).loaded_span(5000.0) is None

    def answer(_: str, form: dict[str, str]) -> tuple[int, Any]:
        return success([{"metric": {}, "value": [5000, "4000" if form["query"].startswith("min") else "4100"]}])

    with answering(answer) as url:
        assert Prometheus(url).loaded_span(5000.0) == Span(start_s=3998.0, end_s=4102.0)
