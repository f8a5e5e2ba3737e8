"""Figures of users who wait for their answers, and of crowds."""

from typing import Any

import pytest

from rulezero.analysis.figures import answered_ms, crowd, offered
from tests.analysis.frames import manifest, row, rows

BURSTS = [{"route": "browse", "at_s": 1.0, "count": 3, "key": 2, "deadline_s": 6.0}]


def crowd_of(*requests: dict[str, Any]) -> dict[str, Any] | None:
    run = manifest(bursts=BURSTS)
    return crowd(offered(rows(*requests), run), run)


def test_each_loop_has_its_own_percentiles_of_all_answers() -> None:
    """Late and bad answers count, whoever got none does not, and the warm-up is no part of it."""
    found = answered_ms(
        rows(
            row(0.5, latency_ms=500.0),
            row(2.0, latency_ms=10.0),
            row(6.0, latency_ms=5000.0, outcome="error", status=502),
            row(6.5, latency_ms=9000.0, outcome="timeout", status=0),
            row(2.0, latency_ms=20.0, kind="closed"),
            row(12.0, latency_ms=40.0, kind="closed"),
        )
    )
    open_loop, closed_loop = found["open"], found["closed"]
    assert open_loop is not None
    assert closed_loop is not None
    assert open_loop["baseline"] == {"count": 1, "p50": 10.0, "p99": 10.0}
    assert open_loop["measured"]["count"] == 2
    assert open_loop["measured"]["p99"] == pytest.approx(10 + 0.99 * 4990)
    assert closed_loop["measured"] == {"count": 2, "p50": 30.0, "p99": pytest.approx(39.8)}


def test_where_nobody_asked_so_there_are_none() -> None:
    """Not even zero; a loop whose answers all came later has no percentiles of the baseline."""
    assert answered_ms(rows()) == {"open": None, "closed": None}
    found = answered_ms(rows(row(12.0)))["open"]
    assert found is not None
    assert found["baseline"] == {"count": 0, "p50": None, "p99": None}


def test_a_crowd_is_over_with_its_last_good_answer() -> None:
    """Those of the stream are not in it; one that failed is not good, however late."""
    found = crowd_of(
        row(6.0, latency_ms=9.0),
        row(6.0, kind="burst", latency_ms=300.0),
        row(6.0, kind="burst", latency_ms=2500.0),
        row(6.0, kind="burst", latency_ms=4000.0, outcome="error", status=502),
    )
    assert found == {"asked": 3, "good": 2, "last_s": 2.5}


def test_a_crowd_that_got_nothing_has_no_last_answer() -> None:
    """And a run without one has none."""
    assert crowd_of(row(6.0)) == {"asked": 0, "good": 0, "last_s": None}
    assert crowd(offered(rows(row(6.0)), manifest()), manifest()) is None
