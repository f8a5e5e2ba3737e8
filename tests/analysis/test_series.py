"""Series: exact numbers on frames small enough to check by hand."""

from typing import Any

import polars as pl
import pytest

from rulezero.analysis import series
from rulezero.analysis.counters import label_value

MANIFEST: dict[str, Any] = {
    "streams": [
        {"route": "/checkout", "rate_rps": 2, "deadline_s": 1.0, "keys": {}, "crosses": ["edge-checkout"]},
        {"route": "/browse", "rate_rps": 2, "deadline_s": 0.5, "keys": {}, "crosses": []},
    ],
    "bursts": [{"route": "/browse", "at_s": 1, "count": 1, "key": 7, "deadline_s": 2.0}],
}


def rows(*values: tuple[float, float, str, str, str], arm: str = "none") -> pl.DataFrame:
    names = ["intended_s", "latency_ms", "route", "outcome", "kind"]
    return pl.DataFrame(list(values), schema=names, orient="row").with_columns(pl.lit(arm).alias("arm"))


def metrics(*values: tuple[float, str, str, float], name: str, arm: str = "none") -> pl.DataFrame:
    schema = {"t_s": pl.Float64, "process": pl.String, "labels": pl.String, "value": pl.Float64}
    frame = pl.DataFrame(list(values), schema=schema, orient="row")
    return frame.with_columns(pl.lit(arm).alias("arm"), pl.lit(name).alias("name"))


def column(frame: pl.DataFrame, name: str) -> list[Any]:
    return frame.get_column(name).to_list()


def test_offered_is_good_and_all_failures_together() -> None:
    """A late answer is its own failure; closed-loop rows are not offered load; an empty second is a zero."""
    frame = series.requests_per_second(
        rows(
            (0.1, 900.0, "/checkout", "ok", "stream"),
            (0.2, 900.0, "/browse", "ok", "stream"),
            (0.3, 900.0, "/browse", "ok", "burst"),
            (0.4, 10.0, "/browse", "ok", "closed"),
            (2.0, 10.0, "/browse", "rejected", "stream"),
        ),
        MANIFEST,
    )
    assert column(frame, "t_s") == [0, 1, 2]
    assert column(frame, "offered") == [3, 0, 1]
    assert column(frame, "good") == [2, 0, 0]
    assert column(frame, "late") == [1, 0, 0]
    assert column(frame, "rejected") == [0, 0, 1]
    assert column(frame, "timeout") == [0, 0, 0]


def test_a_wider_slice_keeps_rates_per_second() -> None:
    """Six requests in two seconds are three a second."""
    six = rows(*((0.3 * number, 5.0, "/checkout", "ok", "stream") for number in range(6)))
    frame = series.requests_per_second(six, MANIFEST, bucket_s=2.0)
    assert (column(frame, "t_s"), column(frame, "good")) == ([0.0], [3.0])


def test_percentiles_are_of_good_answers() -> None:
    """A failure that took long and a late answer are in no percentile; without good answers there is none."""
    frame = series.latency_per_second(
        rows(
            (0.0, 100.0, "/checkout", "ok", "stream"),
            (0.1, 200.0, "/checkout", "ok", "stream"),
            (0.2, 1500.0, "/checkout", "ok", "stream"),
            (0.3, 999.0, "/checkout", "timeout", "stream"),
            (1.0, 5.0, "/checkout", "error", "stream"),
        ),
        MANIFEST,
    )
    assert column(frame, "p50_ms") == [150.0, None]
    assert column(frame, "p99_ms") == [pytest.approx(199.0), None]


def test_increases_are_spread_over_the_time_between_the_samples() -> None:
    """Four in 0 to 1 s, then eight in 1 to 2.5 s; processes add up; a label set that appears late starts at 0."""
    grown = metrics(
        (1.0, "edge", 'link="a",attempt="first"', 4),
        (2.5, "edge", 'link="a",attempt="first"', 10),
        (2.5, "edge", 'link="a",attempt="retry"', 2),
        (2.0, "catalog-1", 'link="a",attempt="first"', 6),
        name="x_total",
    )
    frame = series.increases_per_second(grown, "x_total", (label_value("link").alias("link"),))
    assert column(frame, "t_s") == [0.0, 1.0, 2.0]
    assert column(frame, "rate") == pytest.approx([4 + 3, 8 / 1.5 + 3, 4 / 1.5])


def test_a_sample_before_the_load_is_where_counting_begins() -> None:
    """What a counter held before time 0 is no part of the load."""
    grown = metrics((-0.25, "edge", "", 7), (1.0, "edge", "", 9), (2.0, "edge", "", 9), name="x_total")
    assert column(series.increases_per_second(grown, "x_total"), "rate") == [2.0, 0.0]


def test_a_process_that_began_again_counts_from_zero() -> None:
    """10, then 2 after a restart, then 5: grew by 10, 2 and 3."""
    grown = metrics(*((t_s, "edge", "", value) for t_s, value in ((1.0, 10), (2.0, 2), (3.0, 5))), name="x_total")
    assert column(series.increases_per_second(grown, "x_total"), "rate") == [10.0, 2.0, 3.0]


def test_arms_are_told_apart() -> None:
    """The same counter in two arms is two counters."""
    both = pl.concat([metrics((1.0, "edge", "", 5), name="x_total", arm=arm) for arm in ("none", "all")])
    frame = series.increases_per_second(both, "x_total")
    assert (column(frame, "arm"), column(frame, "rate")) == (["all", "none"], [5.0, 5.0])


def test_attempts_are_divided_by_the_requests_that_cross_the_link() -> None:
    """Two checkouts and a browse, six attempts on the checkout link: three each; a link nobody crosses is left out."""
    asked = rows(*((0.1, 5.0, route, "ok", "stream") for route in ("/checkout", "/checkout", "/browse")))
    tried = metrics(
        (1.0, "edge", 'dependency="c",link="edge-checkout",attempt="first"', 2),
        (1.0, "edge", 'dependency="c",link="edge-checkout",attempt="retry"', 4),
        (1.0, "edge", 'dependency="d",link="elsewhere",attempt="first"', 9),
        name="dependency_attempts_total",
    )
    frame = series.attempts_per_request(asked, tried, MANIFEST)
    assert frame.rows() == [("none", 0.0, "edge-checkout", 3.0)]


def test_a_slice_that_was_not_wholly_scraped_has_no_attempts() -> None:
    """The last scrape came at 1.5 s: what happened in the second after 1 s is not known."""
    asked = rows(*((at_s, 5.0, "/checkout", "ok", "stream") for at_s in (0.1, 1.1)))
    tried = metrics((1.5, "edge", 'link="edge-checkout"', 3), name="dependency_attempts_total")
    assert series.attempts_per_request(asked, tried, MANIFEST).rows() == [("none", 0.0, "edge-checkout", 2.0)]


def test_requests_without_an_attempt_are_zero_attempts() -> None:
    """When nothing was tried (a breaker said no), the figure is 0, not missing."""
    asked = rows((0.1, 5.0, "/checkout", "not_sent", "stream"))
    tried = metrics((1.0, "edge", 'link="other"', 1), name="dependency_attempts_total")
    assert column(series.attempts_per_request(asked, tried, MANIFEST), "per_request") == [0.0]


def test_decisions_by_name() -> None:
    """Decisions of two dependencies are summed; a second without any is not there."""
    told = metrics(
        (1.0, "edge", 'family="call",defence="retry",decision="retried",dependency="a"', 2),
        (1.0, "edge", 'family="call",defence="retry",decision="retried",dependency="b"', 1),
        (2.0, "edge", 'family="call",defence="retry",decision="retried",dependency="a"', 2),
        name="defence_decisions_total",
    )
    assert series.decisions_per_second(told).rows() == [("none", 0.0, "retry", "retried", 3.0)]


def test_origin_loads() -> None:
    """Loads of all processes."""
    loads = metrics((1.0, "catalog-1", "", 2), (1.0, "catalog-2", "", 3), name="cache_loads_total")
    assert series.origin_loads_per_second(loads).rows() == [("none", 0.0, 5.0)]


def test_breaker_stretches() -> None:
    """Equal samples are one stretch; each ends where the next begins, the last with the arm."""
    seen = metrics(
        *((t_s, "checkout", 'dependency="payment"', state) for t_s, state in ((1, 0), (2, 0), (3, 2), (4, 1), (6, 1))),
        name="circuit_breaker_state",
    )
    assert series.breaker_states(seen).rows() == [
        ("none", "checkout", "payment", 0, 1.0, 3.0),
        ("none", "checkout", "payment", 2, 3.0, 4.0),
        ("none", "checkout", "payment", 1, 4.0, 6.0),
    ]


def test_empty_tables_give_empty_series() -> None:
    """A run that was interrupted before its first row or scrape still has a report."""
    no_rows, no_metrics = rows(arm="none").cast({"intended_s": pl.Float64, "latency_ms": pl.Float64,
        "route": pl.String, "outcome": pl.String, "kind": pl.String}), metrics(name="x_total")  # fmt: skip
    assert series.requests_per_second(no_rows, MANIFEST).is_empty()
    assert series.latency_per_second(no_rows, MANIFEST).is_empty()
    assert series.attempts_per_request(no_rows, no_metrics, MANIFEST).is_empty()
    assert series.decisions_per_second(no_metrics).is_empty()
    assert series.breaker_states(no_metrics).is_empty()
