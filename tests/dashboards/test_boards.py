"""The rules that every board keeps, checked on the JSON that Grafana gets."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from dashboards.boards import BOARDS
from dashboards.grafana_json import text_of
from dashboards.model import COLUMNS, Board

UIDS = (
    "bench-overview", "bench-slo", "bench-compare", "bench-cascade", "bench-herd", "bench-overload", "bench-queue",
    "bench-service", "bench-loadgen",
)  # fmt: skip
RIBBON = ("Burn rate", "Offered and good", "Active faults", "Defences on")
KNOWN_UNITS = {"reqps", "cps", "s", "d", "percentunit", "bytes", "none"}

each_board = pytest.mark.parametrize("board", BOARDS, ids=[board.name for board in BOARDS])


def read(board: Board) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(text_of(board))
    return plain


def panels(board: Board) -> list[dict[str, Any]]:
    """Return the panels but the text at the top."""
    return [panel for panel in read(board)["panels"] if panel["type"] != "text"]


def urls(plain: Any) -> Iterator[str]:
    """Yield every link in a board."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            if key == "url" and isinstance(value, str) and value:
                yield value
            yield from urls(value)
    elif isinstance(plain, list):
        for one in plain:
            yield from urls(one)


def test_there_are_nine_boards() -> None:
    """By the names that links and reports use."""
    assert tuple(board.uid for board in BOARDS) == UIDS


@each_board
def test_it_is_the_classic_model(board: Board) -> None:
    """Which is all that Grafana reads from files; nobody edits what is generated."""
    plain = read(board)
    assert plain["schemaVersion"] == 42
    assert plain["uid"] == board.uid
    assert "id" not in plain
    assert plain["editable"] is False
    assert plain["graphTooltip"] == 1
    assert plain["tags"] == ["rulezero"]
    assert plain["refresh"] in plain["timepicker"]["refresh_intervals"]
    assert not {"elements", "layout"} & set(plain)


@each_board
def test_it_asks_one_question(board: Board) -> None:
    """In its title, and in a text that says in two lines where to look."""
    plain = read(board)
    assert plain["title"].endswith("?")
    (text,) = [panel for panel in plain["panels"] if panel["type"] == "text"]
    assert text["options"]["content"].startswith(f"**{board.question}**")
    assert 100 < len(board.look) < 300


@each_board
def test_the_ribbon_is_on_top(board: Board) -> None:
    """What is promised, offered, broken and defended is above everything else."""
    first = panels(board)[:4]
    assert tuple(panel["title"] for panel in first) == RIBBON
    assert sum(panel["gridPos"]["w"] for panel in first) == COLUMNS
    assert {panel["gridPos"]["y"] for panel in first} == {3}


@each_board
def test_every_panel_says_what_it_shows(board: Board) -> None:
    """Title, description and a unit; each query has a name of its own."""
    for panel in panels(board):
        assert panel["title"]
        assert len(panel["description"]) > 10, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in KNOWN_UNITS, panel["title"]
        names = [target["refId"] for target in panel["targets"]]
        assert names
        assert len(set(names)) == len(names)
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(titles)) == len(titles)


@each_board
def test_every_panel_asks_the_chosen_source(board: Board) -> None:
    """By the board's variables, in the panel and in each of its queries."""
    plain = read(board)
    sources = [one for one in plain["templating"]["list"] if one["type"] == "datasource"]
    assert [one["name"] for one in sources] == ["datasource", "tempo"]
    for panel in panels(board):
        asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        traces = panel["datasource"]["uid"] == "${tempo}"
        assert {one["uid"] for one in asked} == {"${tempo}" if traces else "${datasource}"}, panel["title"]


@each_board
def test_panels_lie_on_the_grid(board: Board) -> None:
    """Inside of its columns, none upon another, each with a number of its own."""
    all_panels = read(board)["panels"]
    numbers = [panel["id"] for panel in all_panels]
    assert len(set(numbers)) == len(numbers)
    for panel in all_panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= COLUMNS
    for one, other in combinations([panel["gridPos"] for panel in all_panels], 2):
        apart = (
            one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        )  # fmt: skip
        assert apart, (one, other)


@each_board
def test_links_lead_to_boards_that_exist(board: Board) -> None:
    """And keep the time; to the overview from everywhere."""
    found = list(urls(read(board)))
    assert "/d/bench-overview" in found
    for url in found:
        linked = re.match(r"/d/([\w-]+)", url)
        assert linked is not None, url
        assert linked[1] in UIDS


@each_board
def test_variables_of_links_exist_where_they_lead(board: Board) -> None:
    """A misspelt one would silently show something else."""
    variables = {one.uid: {variable.name for variable in one.variables} for one in BOARDS}
    for panel in board.panels:
        for link in panel.links:
            assert set(link.variables) <= variables[link.uid]
            for label in link.variables.values():
                assert all(f"by ({label}" in query.expr for query in panel.queries if query.role == "measured")


@each_board
def test_variables_are_used_and_made(board: Board) -> None:
    """Each choice changes something, and nothing is chosen that cannot be."""
    used = set(re.findall(r"\$(?!__)([a-z]+)\b", json.dumps([panel["targets"] for panel in panels(board)])))
    assert used - {"datasource"} == {variable.name for variable in board.variables}


@each_board
def test_latency_leads_to_traces(board: Board) -> None:
    """Where a high quantile of a latency is drawn, its exemplars are too; statements are observed without a trace."""
    for panel in board.panels:
        for query in panel.queries:
            latency = panel.kind == "lines" and panel.unit == "s" and "duration_seconds_bucket" in query.expr
            if latency and "histogram_quantile(0.5," not in query.expr:
                statements = "db_client_operation_duration_seconds_bucket" in query.expr
                assert query.exemplar is not statements, (board.name, panel.title)


@each_board
def test_faults_and_switches_are_marked(board: Board) -> None:
    """On every board: from metrics, and from Grafana's own annotations by tag."""
    marks = {one["name"]: one for one in read(board)["annotations"]["list"]}
    assert list(marks) == ["Faults", "Defences switched", "Experiments", "Arms", "Phases", "Predictions"]
    assert marks["Faults"]["enable"] is True
    assert marks["Faults"]["textFormat"] == "{{type}} on {{proxy}}"
    assert marks["Faults"]["target"]["expr"] == marks["Faults"]["expr"]
    assert marks["Arms"]["target"] == {"limit": 200, "matchAny": False, "tags": ["rulezero", "arm"], "type": "tags"}


def test_a_logarithmic_axis_has_a_place_for_zero() -> None:
    """A burn rate is 0 while all is well."""
    (burning,) = [
        panel for board in BOARDS for panel in panels(board)
        if panel["fieldConfig"]["defaults"].get("custom", {}).get("scaleDistribution", {}).get("type") != "linear"
        and panel["type"] == "timeseries"
    ]  # fmt: skip
    scale = burning["fieldConfig"]["defaults"]["custom"]["scaleDistribution"]
    assert scale == {"type": "symlog", "log": 2, "linearThreshold": 0.1}


@each_board
def test_predictions_and_limits_are_grey_and_dashed(board: Board) -> None:
    """So that nobody takes them for measurements."""
    for panel, plain in zip(board.panels, panels(board)[4:], strict=True):
        dashed = {
            override["matcher"]["options"]
            for override in plain["fieldConfig"]["overrides"]
            for one in override["properties"]
            if one["id"] == "custom.lineStyle"
        }
        meant = {
            chr(ord("A") + index) for index, query in enumerate(panel.queries) if query.role in ("limit", "prediction")
        }
        assert dashed == meant


def test_boards_where_a_formula_exists_draw_it() -> None:
    """The queue's growth, the capacity of slots, the wait in a line, the loads of misses."""
    predicted = {
        board.name for board in BOARDS for panel in board.panels for query in panel.queries
        if query.role == "prediction"
    }  # fmt: skip
    assert predicted == {"herd", "overload", "queue"}
