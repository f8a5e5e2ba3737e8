"""Every expression of the boards and rules can be answered: it parses, and what it asks for is exported."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards import queries
from dashboards.annotations import annotations
from dashboards.boards import BOARDS
from dashboards.model import INSTANT, Board, series_queries
from dashboards.panels import ribbon
from dashboards.queries import services
from tests.dashboards import contract, promql
from tests.dashboards.promql import grouping_labels, parsed, selectors

# A difference of two counters that begin anew together is a level: what was begun and has not ended.
LEVELS = (services.ATTEMPTS_OUT,)
EXPORTED = contract.exported()
COUNTERS = contract.counters()


def expressions() -> Iterator[tuple[str, str, Board]]:
    """Yield (where, expression, board) of everything that Prometheus is asked."""
    for board in BOARDS:
        for _, panel, query in series_queries(board, (*ribbon(), *board.panels)):
            yield f"{board.name}: {panel.title}: {query.legend}", query.expr, board
    for one in annotations():
        if "expr" in one:
            yield f"annotation {one['name']}", one["expr"], BOARDS[0]
    for rule in contract.rules():
        yield f"rule {rule.get('record', rule.get('alert'))}", rule["expr"], BOARDS[0]


ALL = list(expressions())
IDS = [where for where, _, _ in ALL]


@pytest.mark.parametrize(("text", "board"), [one[1:] for one in ALL], ids=IDS)
def test_it_asks_for_what_is_exported(text: str, board: Board) -> None:
    """It parses; every metric is one that some process exports or a rule records; every label is one it has."""
    tree = parsed(text, board)
    known: set[str] = set()
    for selector in selectors(tree):
        assert selector.metric in EXPORTED, selector.metric
        labels = EXPORTED[selector.metric]
        assert selector.labels <= labels, (selector.metric, selector.labels - labels)
        known |= labels
    assert grouping_labels(tree) <= known | promql.made_labels(text)


@pytest.mark.parametrize(("text", "board"), [one[1:] for one in ALL], ids=IDS)
def test_counters_are_read_as_rates(text: str, board: Board) -> None:
    """A counter by itself says how long a process has been running, and nothing else does so by a rate."""
    if text in LEVELS:
        return
    for selector in selectors(parsed(text, board)):
        if selector.metric in COUNTERS:
            assert selector.inside in {"rate", "increase"}, selector
        else:
            assert selector.inside not in {"rate", "increase"}, selector


@pytest.mark.parametrize(("text", "board"), [one[1:] for one in ALL], ids=IDS)
def test_bounds_of_buckets_exist(text: str, board: Board) -> None:
    """A bound that no bucket has would select nothing, which reads as failure."""
    for selector in selectors(parsed(text, board)):
        for label, value in selector.equal:
            if label == "le":
                assert value in contract.bounds(selector.metric.removesuffix("_bucket"))


def test_panels_go_by_the_range_that_is_shown() -> None:
    """rate() over what Grafana works out for the width of the panel, increase() over the whole range."""
    for board in BOARDS:
        for _, panel, query in series_queries(board, (*ribbon(), *board.panels)):
            if "rate(" in query.expr:
                windows = "[$__rate_interval]" in query.expr or "[$__range]" in query.expr
                assert windows or "[30s]" in query.expr, (board.name, panel.title)
            if "increase(" in query.expr:
                assert "[$__range]" in query.expr, (board.name, panel.title)
            assert not (panel.kind in INSTANT and "$__rate_interval" in query.expr), (board.name, panel.title)


def test_a_wrong_name_is_noticed() -> None:
    """The check on names can fail."""
    (one,) = selectors(parsed('sum(rate(loadgen_requests_total{route="x"}[$__rate_interval]))', BOARDS[0]))
    assert one.metric not in EXPORTED
    assert one.labels == {"route"}
    assert one.inside == "rate"


def test_promql_is_in_one_folder() -> None:
    """Boards and rules name expressions; they hold none."""
    folder = Path(queries.__path__[0]).parent
    marks = ("sum by", "[$__", "histogram_quantile", "_total[", "_bucket[", "vector(")
    found = [
        path.name
        for path in folder.rglob("*.py")
        if path.parent.name != "queries" and any(mark in path.read_text("utf-8") for mark in marks)
    ]
    assert found == []


def test_every_query_is_used() -> None:
    """What no board, rule or mark uses is dead."""
    folder = Path(queries.__path__[0])
    texts = {path: path.read_text("utf-8") for path in folder.parent.rglob("*.py")}
    everything = "".join(texts.values())
    for path in folder.glob("*.py"):
        for line in texts[path].splitlines():
            name = line.split(" = ")[0] if line[:1].isupper() and " = " in line else ""
            if name.isidentifier():
                assert everything.count(name) > 1, f"{path.name}: {name}"


def test_panels_are_at_most_twelve_besides_the_ribbon() -> None:
    """Who wants to know more goes down to another board."""
    assert {board.name: len(board.panels) for board in BOARDS if len(board.panels) > 12} == {}
