import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from rulezero.errors import EXIT_USAGE
from tests.loadtests.runs import by_hand, read_rows
from tests.loadtests.server import stallable_server


@pytest.mark.wall_clock
async def test_a_target_that_is_not_this_machine_is_refused_in_one_line() -> None:
    """The line names host and remedy, the status is that of wrong use; Locust's own log lines come before it."""
    runs = await asyncio.gather(by_hand("--headless", "-H", "http://example.com"), by_hand("--headless"))
    for (status, output), named in zip(runs, ("example.com is not this machine", "no target to load"), strict=True):
        assert status == EXIT_USAGE
        lines = [line for line in output.strip().splitlines() if "/INFO/" not in line]
        assert len(lines) == 1
        assert named in lines[0]


@pytest.mark.wall_clock
async def test_users_are_the_arrival_rate_and_closed_users_must_be_asked_for(tmp_path: Path) -> None:
    """Sixty users send about sixty requests a second; by default no closed-loop user runs."""
    async with stallable_server() as server:
        (status, _), (_, listing) = await asyncio.gather(
            by_hand(
                "--headless", "-H", server.url, "-u", "60", "-r", "60", "--run-time", "3", "--only-summary",
                "--rows", str(tmp_path / "rows.csv"),
            ),
            by_hand("--list"),
        )  # fmt: skip
    assert status == 0
    rows = read_rows(tmp_path / "rows.csv")
    assert {row.kind for row in rows} == {"stream"}
    assert {row.route for row in rows} == {"browse", "search", "checkout"}
    expected = 60 * max(row.intended_s for row in rows)
    assert 0.7 * expected < len(rows) < 1.3 * expected
    for name in ("Browse", "Search", "Checkout", "BrowseClosed", "SearchClosed", "CheckoutClosed"):
        assert f"    {name}\n" in listing
    assert "Planned" not in listing


@pytest.mark.wall_clock
async def test_load_by_hand_is_traced_where_spans_are_collected() -> None:
    """All of ten requests a second, none without a collector: then nobody would have the root of the trace."""

    async def flags(environment: Mapping[str, str]) -> set[str]:
        async with stallable_server() as server:
            options = ("--headless", "-H", server.url, "-u", "10", "-r", "10", "--run-time", "3", "--only-summary")
            status, output = await by_hand(*options, environment=environment)
            assert status == 0, output
            heads = [line for head in server.heads for line in head.splitlines() if line.startswith("traceparent: ")]
        return {line.rpartition("-")[2] for line in heads}

    async with stallable_server() as sink:
        traced, untraced = await asyncio.gather(
            flags({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}), flags({"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
        )
        assert sink.bodies
    assert traced == {"01"}
    assert untraced == {"00"}
