"""The live gate: after a run under a real Prometheus, every query of every panel returns data.

A metric that is renamed, or never exported, leaves a perfect run and an empty panel; nothing but this notices.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dashboards.boards import BOARDS
from dashboards.model import Board, Panel
from dashboards.panels import ribbon
from dashboards.prometheus_api import Prometheus, Span, windowed
from dashboards.queries import users
from dashboards.recorded import last_change_s, serving

pytestmark = [
    pytest.mark.wall_clock,
    pytest.mark.end_to_end,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="not run: prometheus is not on PATH"),
]

RUN_S_MAX = 300
# Arms that between them hang, retry, refuse and open breakers.
RUN = ("cascading_failure", "--arms", "none,all", "--seed", "1", "--prometheus", "--quiet")
# Panels that may be empty because nothing bad happened in this run, and why.
MAY_BE_EMPTY = {
    ("slo", "Pages"): "no arm is as long as the shortest of the windows that page",
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Span]]:
    """Run an experiment under Prometheus, and give its samples and its range."""
    out = tmp_path_factory.mktemp("runs")
    done = subprocess.run(
        [sys.executable, "-m", "rulezero", "run", *RUN, "--out", str(out)],
        capture_output=True, text=True, check=False, timeout=RUN_S_MAX,
    )  # fmt: skip
    assert done.returncode in {0, 1, 2}, done.stdout + done.stderr
    (folder,) = out.iterdir()
    ended_s = last_change_s(folder / "prometheus")
    with serving(folder / "prometheus") as url:
        prometheus = Prometheus(url)
        span = prometheus.loaded_span(ended_s)
        assert span is not None
        assert span.length_s > 30
        yield prometheus, span


def panels(board: Board) -> Iterator[Panel]:
    yield from (panel for panel in (*ribbon(), *board.panels) if panel.kind != "traces")


@pytest.mark.parametrize("board", BOARDS, ids=[board.name for board in BOARDS])
def test_every_panel_has_data(board: Board, recorded: tuple[Prometheus, Span]) -> None:
    """In every one of its queries, but for panels whose emptiness is good news."""
    prometheus, span = recorded
    empty = [
        f"{panel.title}: {query.legend or query.expr}"
        for panel in panels(board)
        for query, answer in zip(panel.queries, prometheus.answers(board, panel, span), strict=True)
        if not answer and (board.name, panel.title) not in MAY_BE_EMPTY
    ]
    assert empty == []


def test_the_list_of_exceptions_is_short_and_true() -> None:
    """Each names a panel that there is; whoever adds one should rather mend the query."""
    known = {(board.name, panel.title) for board in BOARDS for panel in panels(board)}
    assert set(MAY_BE_EMPTY) <= known
    assert len(MAY_BE_EMPTY) <= 4
    assert all(MAY_BE_EMPTY.values())


def test_marks_have_data(recorded: tuple[Prometheus, Span]) -> None:
    """The fault of each arm is a red band, and each arm has its beginning."""
    prometheus, span = recorded
    assert prometheus.over(windowed(users.FAULT_MARKS, span), span)
    assert {one.labels["arm"] for one in prometheus.over(users.ARM_MARKS, span)} == {"none", "all"}
    assert prometheus.over(windowed(users.DEFENCE_MARKS, span), span)
